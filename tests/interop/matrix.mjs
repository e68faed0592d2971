// Every official client library for Node, against every dialect that an upstream may speak: the gateway stands between.
// A cell is client × upstream × case; each prints one line.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { anthropic, bedrock, cohere, gemini, ollama, openaiChat, openaiResponses } from './clients.mjs';
import { uses } from './cases.mjs';

const upstreams = ['openai_chat', 'openai_responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'ollama'];
const clients = [openaiChat, openaiResponses, anthropic, gemini, bedrock, cohere, ollama];

const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties), additionalProperties: false });
const tools = [
  { name: 'get_weather', description: 'The weather of a city', parameters: object({ city: { type: 'string' }, days: { type: 'integer' } }) },
  { name: 'get_time', description: 'The time of a zone', parameters: object({ zone: { type: 'string' } }) },
];
const schema = object({ title: { type: 'string' }, pages: { type: 'integer' } });
/** One red pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const hello = { system: 'Be brief.', prompt: 'Hello there' };
const both = 'Call get_weather and get_time, please.';

function checkUsage(answer) {
  assert(answer.usage.input > 0, `input tokens: ${answer.usage.input}`);
  assert(answer.usage.output > 0, `output tokens: ${answer.usage.output}`);
}

function checkCalls(answer) {
  assert.deepEqual(answer.calls.map((call) => call.name), ['get_weather', 'get_time']);
  for (const call of answer.calls) assert.equal(typeof call.arguments, 'object', `arguments of ${call.name}`);
  assert.deepEqual(Object.keys(answer.calls[0].arguments).sort(), ['city', 'days']);
}

const cases = {
  async plain(client, on) {
    const answer = await client.ask(on('twin-1'), hello);
    assert.match(answer.text, /Hello there/);
    assert.equal(answer.finish, 'stop');
    checkUsage(answer);
  },
  async stream(client, on) {
    const answer = await client.ask(on('twin-1'), { ...hello, stream: true });
    assert.match(answer.text, /Hello there/);
    assert.equal(answer.finish, 'stop');
    assert(answer.pieces > 1, `${answer.pieces} pieces`);
    checkUsage(answer);
  },
  async tools(client, on) {
    const answer = await client.ask(on('twin-1'), { prompt: both, tools });
    checkCalls(answer);
    assert.equal(answer.finish, 'tools');
    const then = await client.ask(on('twin-1'), { prompt: both, tools, before: answer, results: ['sunny and 21', 'half past nine'] });
    assert.match(then.text, /sunny and 21/);
    assert.match(then.text, /half past nine/);
  },
  async 'tools, streamed'(client, on) {
    const answer = await client.ask(on('twin-1'), { prompt: both, tools, stream: true });
    checkCalls(answer);
    assert.equal(answer.finish, 'tools');
  },
  async image(client, on) {
    const answer = await client.ask(on('inspect'), { prompt: 'What is this?', image: png });
    const seen = JSON.stringify(JSON.parse(answer.text));
    assert.match(seen, /image\/png/);
  },
  async structured(client, on) {
    if (!client.structured) return 'the client has no way to ask for it';
    const answer = await client.ask(on('twin-1'), { prompt: 'A book, please', schema });
    const book = JSON.parse(answer.text);
    assert.equal(typeof book.title, 'string');
    assert.equal(typeof book.pages, 'number');
    assert.equal(answer.finish, 'stop');
  },
  async 'structured, streamed'(client, on) {
    if (!client.structured) return 'the client has no way to ask for it';
    const answer = await client.ask(on('twin-1'), { prompt: 'A book, please', schema, stream: true });
    assert.equal(typeof JSON.parse(answer.text).title, 'string');
  },
  async thinking(client, on, upstream) {
    const answer = await client.ask(on('reasoner'), { prompt: 'Why?', think: true, stream: true });
    assert(answer.text.length > 0);
    // Responses shows a summary to who asks for one, and a Chat Completions client has no words for that.
    if (client.name === 'openai' && upstream === 'openai_responses') return 'no summary can be asked for';
    assert(answer.thinking.length > 0, 'no thoughts');
  },
  async length(client, on) {
    const answer = await client.ask(on('lorem'), { prompt: 'Tell me a lot', maxTokens: 20 });
    assert.equal(answer.finish, 'length');
  },
  async error(client, on) {
    const error = await client.fails(() => client.ask(on('error-429'), hello));
    assert.equal(error.status, 429, `status ${error.status}: ${error.message}`);
  },
  async 'error in the stream'(client, on) {
    const error = await client.fails(() => client.ask(on('late-error'), { ...hello, stream: true }));
    assert(error.message.length > 0);
  },
  async abort(client, on, upstream) {
    const user = `abort-matrix-${client.name}-${upstream}`;
    uses(user);
    await client.abort(on('paced'), { ...hello, prompt: user });
    await sleep(20);
  },
};

const only = process.env.CARDEA_CELL ?? '';
for (const client of clients) {
  for (const upstream of upstreams) {
    for (const [name, action] of Object.entries(cases)) {
      const cell = `${client.name} × ${upstream}: ${name}`;
      if (!cell.includes(only)) continue;
      try {
        const why = await action(client, (model) => `up_${upstream}/${model}`, upstream);
        console.log(why ? `passed ${cell} (${why})` : `passed ${cell}`);
      } catch (error) {
        console.log(`failed ${cell}`);
        console.log(String(error?.stack ?? error).split('\n').slice(0, 6).join('\n'));
      }
    }
  }
}
