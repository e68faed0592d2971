// Pictures, sound, files and batches through OpenAI's own library, answered by the twin.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';
import { key, raised, run, url } from './cases.mjs';

const provider = 'up_openai_chat';
const model = `${provider}/twin-1`;
const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0, defaultHeaders: { 'x-cardea-provider': provider } });
const text = 'Good morning, this is a test';
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const is_png = (base64) => assert(Buffer.from(base64, 'base64').subarray(0, 8).equals(signature), 'no PNG');
const bytes_of = async (answer) => Buffer.from(await answer.arrayBuffer());
const spoken = async () => bytes_of(await client.audio.speech.create({ model, input: text, voice: 'alloy', response_format: 'wav' }));

async function pictures_are_drawn_whole_and_streamed() {
  const answer = await client.images.generate({ model, prompt: 'a house', size: '1024x1024' });
  is_png(answer.data[0].b64_json);
  assert(answer.usage.total_tokens > 0);
  const seen = [];
  for await (const event of await client.images.generate({ model, prompt: 'a house', stream: true, partial_images: 2 })) {
    seen.push(event.type);
    is_png(event.b64_json);
  }
  assert.deepEqual(seen.slice(-1), ['image_generation.completed']);
  assert(seen.length > 1, 'no partial picture');
}

async function pictures_are_changed() {
  const [{ b64_json }] = (await client.images.generate({ model, prompt: 'a house' })).data;
  const image = await toFile(Buffer.from(b64_json, 'base64'), 'house.png', { type: 'image/png' });
  is_png((await client.images.edit({ model, image: [image], prompt: 'a tree before it' })).data[0].b64_json);
  const lying = await toFile(await spoken(), 'house.png', { type: 'image/png' });
  const refused = await raised(OpenAI.BadRequestError, () => client.images.edit({ model, image: lying, prompt: 'x' }));
  assert.equal(refused.param, 'image');
}

async function what_is_spoken_is_heard() {
  const sound = await spoken();
  assert.equal(sound.subarray(0, 4).toString(), 'RIFF');
  const file = () => toFile(sound, 'talk.wav', { type: 'audio/wav' });
  assert.equal((await client.audio.transcriptions.create({ model, file: await file() })).text, text);
  assert.equal(await client.audio.transcriptions.create({ model, file: await file(), response_format: 'text' }).then((said) => `${said}`.trim()), text);
  const words = await client.audio.transcriptions.create({ model, file: await file(), response_format: 'verbose_json' });
  assert(words.segments.length > 0 && words.duration > 0);
  let streamed = '';
  for await (const event of await client.audio.transcriptions.create({ model, file: await file(), stream: true })) {
    if (event.type === 'transcript.text.delta') streamed += event.delta;
  }
  assert.equal(streamed, text);
  assert((await client.audio.translations.create({ model, file: await file() })).text.length > 0);
}

async function files_are_kept() {
  const content = '{"a":1}\n';
  const made = await client.files.create({ purpose: 'user_data', file: await toFile(Buffer.from(content), 'a.jsonl') });
  assert.equal((await client.files.retrieve(made.id)).filename, 'a.jsonl');
  assert.equal(await (await client.files.content(made.id)).text(), content);
  const listed = [];
  for await (const one of client.files.list()) listed.push(one.id);
  assert(listed.includes(made.id));
  assert.equal((await client.files.delete(made.id)).deleted, true);
  await raised(OpenAI.NotFoundError, () => client.files.retrieve(made.id));
}

async function batches_are_answered() {
  const line = (id) => JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions',
    body: { model: 'twin-1', messages: [{ role: 'user', content: id }] } });
  const input = await client.files.create({ purpose: 'batch', file: await toFile(Buffer.from(`${line('one')}\n${line('two')}\n`), 'in.jsonl') });
  let batch = await client.batches.create({ input_file_id: input.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
  for (let i = 0; i < 100 && batch.status !== 'completed'; ++i) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    batch = await client.batches.retrieve(batch.id);
  }
  assert.equal(batch.status, 'completed');
  const lines = (await (await client.files.content(batch.output_file_id)).text()).trim().split('\n').map((one) => JSON.parse(one));
  assert.deepEqual(lines.map(({ custom_id }) => custom_id), ['one', 'two']);
  assert(lines[0].response.body.choices[0].message.content.includes('one'));
  const listed = [];
  for await (const one of client.batches.list()) listed.push(one.id);
  assert(listed.includes(batch.id));
}

await run([pictures_are_drawn_whole_and_streamed, pictures_are_changed, what_is_spoken_is_heard, files_are_kept, batches_are_answered]);
