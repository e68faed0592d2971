// The official OpenAI library for Node.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { both, hello, key, raised, root, run, url, uses } from './cases.mjs';

const name = 'openai_node';
const client = new OpenAI({ baseURL: url, apiKey: key });
const once = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const tool = (called, properties) => ({
  type: 'function',
  function: { name: called, strict: true, parameters: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false } },
});
const tools = [tool('get_weather', { city: { type: 'string' }, days: { type: 'integer' } }), tool('get_time', { zone: { type: 'string' } })];
const chat = (body, options, using = client) => using.chat.completions.create({ model: 'twin/twin-1', messages: hello, ...body }, options);

async function models_are_listed() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert(ids.includes('twin/twin-1'), String(ids));
  assert.equal((await client.models.retrieve('twin/twin-1')).id, 'twin/twin-1');
}

async function plain_chat() {
  const answer = await chat({});
  assert.match(answer.choices[0].message.content, /You said: Hello/);
  assert(answer.usage.total_tokens > 0 && answer._request_id.startsWith('req_'));
}

async function streamed_chat() {
  let said = '', last;
  for await (const piece of await chat({ stream: true })) {
    assert.equal(piece.usage ?? null, null);
    said += piece.choices[0].delta.content ?? '';
    last = piece;
  }
  assert.match(said, /You said: Hello/);
  assert.equal(last.choices[0].finish_reason, 'stop');
}

async function usage_in_a_stream() {
  const pieces = [];
  for await (const piece of await chat({ model: 'far/simple', stream: true, stream_options: { include_usage: true } })) pieces.push(piece);
  assert(pieces.at(-1).usage.completion_tokens > 0 && pieces.at(-1).choices.length === 0);
}

async function parallel_tools() {
  const asked = [{ role: 'user', content: both }];
  const answer = await chat({ messages: asked, tools });
  const calls = answer.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => call.function.name), ['get_weather', 'get_time']);
  const results = calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: `result of ${call.function.name}` }));
  const then = await chat({ messages: [...asked, answer.choices[0].message, ...results], tools });
  assert.match(then.choices[0].message.content, /result of get_time/);
}

async function streamed_tools() {
  const done = [];
  const stream = client.chat.completions.stream({ model: 'twin/twin-1', messages: [{ role: 'user', content: both }], tools });
  stream.on('tool_calls.function.arguments.done', (event) => done.push(event.name));
  const final = await stream.finalChatCompletion();
  assert.deepEqual(done, ['get_weather', 'get_time']);
  for (const call of final.choices[0].message.tool_calls) JSON.parse(call.function.arguments);
}

async function tools_are_run() {
  const called = [];
  const runner = client.chat.completions.runTools({
    model: 'twin/twin-1',
    messages: [{ role: 'user', content: both }],
    tools: tools.map((one) => ({ ...one, function: { ...one.function, parse: JSON.parse, function: (input) => (called.push(one.function.name), `ran ${JSON.stringify(input)}`) } })),
  });
  assert.match(await runner.finalContent(), /ran/);
  assert.deepEqual(called, ['get_weather', 'get_time']);
}

async function structured_output() {
  const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
  const answer = await client.chat.completions.parse({ model: 'twin/twin-1', messages: hello, response_format: zodResponseFormat(person, 'person') });
  person.parse(answer.choices[0].message.parsed);
}

async function abort_amid_a_stream() {
  uses(`abort-${name}`);
  const stream = await chat({ model: 'endless/words', stream: true, user: `abort-${name}` });
  let pieces = 0;
  for await (const _ of stream) if (++pieces === 3) stream.controller.abort();
  assert(pieces >= 3);
  const control = new AbortController();
  setTimeout(() => control.abort(), 100);
  await raised(OpenAI.APIUserAbortError, () => chat({}, { signal: control.signal, headers: { 'x-twin-latency-ms': '5000' } }));
}

async function retries() {
  for (const model of ['flaky-429', 'flaky-500']) {
    uses(`far/${model}-${name}`);
    assert((await chat({ model: `far/${model}-${name}` })).choices);
  }
  uses(`far/down-503-${name}`);
  await raised(OpenAI.InternalServerError, () => chat({ model: `far/down-503-${name}` }));
  uses(`far/never-400-${name}`);
  await raised(OpenAI.BadRequestError, () => chat({ model: `far/never-400-${name}` }));
}

async function errors_are_its_exceptions() {
  let error = await raised(OpenAI.NotFoundError, () => chat({ model: 'no-such-model' }, {}, once));
  assert.deepEqual([error.code, error.param, error.type], ['model_not_found', 'model', 'invalid_request_error']);
  assert(error.requestID.startsWith('req_'));
  error = await raised(OpenAI.BadRequestError, () => chat({ messages: 'text' }, {}, once));
  assert.equal(error.param, 'messages');
  await raised(OpenAI.AuthenticationError, () => chat({}, {}, new OpenAI({ baseURL: url, apiKey: 'wrong', maxRetries: 0 })));
  error = await raised(OpenAI.RateLimitError, () => chat({}, { headers: { 'x-twin-status': '429', 'x-twin-retry-after': '17' } }, once));
  assert.equal(error.headers.get('retry-after'), '17');
  error = await raised(OpenAI.InternalServerError, () => chat({ model: 'nowhere/x' }, {}, once));
  assert.equal(error.code, 'upstream_unreachable');
  await raised(OpenAI.APIConnectionTimeoutError, () => chat({}, { timeout: 300, headers: { 'x-twin-latency-ms': '5000' } }, once));
}

async function an_error_amid_a_stream() {
  let pieces = 0;
  await raised(OpenAI.APIError, async () => {
    const headers = { 'x-twin-cut-after-events': '4', 'x-twin-write-each': '1' };
    for await (const _ of await chat({ model: 'twin/lorem', stream: true }, { headers }, once)) ++pieces;
  });
  assert(pieces > 0);
}

async function raw_responses() {
  const { data, response } = await chat({ model: 'twin/echo' }, { headers: { 'x-request-id': 'mine-2' } }).withResponse();
  assert.equal(data.choices[0].message.content, 'Hello');
  assert.equal(response.headers.get('x-request-id'), 'mine-2');
}

async function other_base_urls() {
  for (const path of ['', '/openai', '/openai/v1']) {
    const answer = await chat({ model: 'twin/echo' }, {}, new OpenAI({ baseURL: root + path, apiKey: key }));
    assert.equal(answer.choices[0].message.content, 'Hello');
  }
}

async function many_at_once() {
  await Promise.all([...Array(60).keys()].map(async (number) => {
    const messages = [{ role: 'user', content: `number ${number}` }];
    let said = '';
    if (number % 2) {
      for await (const piece of await chat({ model: 'twin/echo', messages, stream: true })) said += piece.choices[0].delta.content ?? '';
    } else {
      said = (await chat({ model: 'twin/echo', messages })).choices[0].message.content;
    }
    assert.equal(said, `number ${number}`);
  }));
}

/** A whole answer, plain or by its stream. */
async function respond(body, streamed) {
  return streamed ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
}

async function stored_responses() {
  for (const upstream of ['anthropic', 'gemini', 'openai_chat']) {
    for (const streamed of [false, true]) {
      const model = `up_${upstream}/twin-1`;
      const first = await respond({ model, input: 'Hello', instructions: 'Be kind.' }, streamed);
      const second = await respond({ model, input: [{ role: 'user', content: 'And now?' }], previous_response_id: first.id }, streamed);
      const third = await respond({ model, input: 'Thanks', previous_response_id: second.id }, streamed);
      assert.equal(third.previous_response_id, second.id);
      const again = await client.responses.retrieve(third.id);
      assert.equal(again.output_text, third.output_text);
      assert.equal(again.id, third.id);
      const said = [];
      for await (const item of client.responses.inputItems.list(third.id, { order: 'asc', limit: 2 })) said.push(item.content[0].text);
      assert.deepEqual(said, ['Hello', first.output_text, 'And now?', second.output_text, 'Thanks']);
      await raised(OpenAI.BadRequestError, () => client.responses.cancel(third.id));
      await client.responses.delete(third.id);
      await raised(OpenAI.NotFoundError, () => client.responses.retrieve(third.id));
      const lost = await raised(OpenAI.BadRequestError, () => client.responses.create({ model, input: 'x', previous_response_id: third.id }));
      assert.equal(lost.code, 'previous_response_not_found');
    }
  }
}

await run([models_are_listed, plain_chat, streamed_chat, usage_in_a_stream, parallel_tools, streamed_tools, tools_are_run, structured_output,
  abort_amid_a_stream, retries, errors_are_its_exceptions, an_error_amid_a_stream, raw_responses, other_base_urls, many_at_once,
  stored_responses]);
