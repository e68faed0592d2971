// Vercel's AI SDK, through its OpenAI provider and through the one for compatible servers.
import assert from 'node:assert/strict';
import { APICallError, RetryError, Output, generateText, stepCountIs, streamText, tool } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { z } from 'zod';
import { both, key, raised, run, url, uses } from './cases.mjs';

const name = 'vercel_ai';
const openai = createOpenAI({ baseURL: url, apiKey: key });
const compatible = createOpenAICompatible({ name: 'cardea', baseURL: url, apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
const both_ways = (model) => [openai.chat(model), compatible(model)];
const quiet = { onError: () => {} };

async function plain_text() {
  for (const model of both_ways('twin/twin-1')) {
    const answer = await generateText({ model, prompt: 'Hello' });
    assert.match(answer.text, /You said: Hello/);
    assert.equal(answer.finishReason, 'stop');
    assert(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
    assert(answer.response.headers['x-request-id']);
  }
}

async function streamed_text() {
  for (const model of both_ways('twin/twin-1')) {
    const result = streamText({ model, prompt: 'Hello', ...quiet });
    let said = '';
    for await (const piece of result.textStream) said += piece;
    assert.match(said, /You said: Hello/);
    assert((await result.usage).outputTokens > 0, 'usage of a stream');
  }
}

const ran = [];
const tools = {
  get_weather: tool({ inputSchema: z.object({ city: z.string() }), execute: async () => (ran.push('weather'), 'sunny') }),
  get_time: tool({ inputSchema: z.object({ zone: z.string() }), execute: async () => (ran.push('time'), 'noon') }),
};

async function tools_are_run() {
  for (const model of both_ways('twin/twin-1')) {
    ran.length = 0;
    const answer = await generateText({ model, prompt: both, tools, stopWhen: stepCountIs(3) });
    assert.deepEqual(ran.toSorted(), ['time', 'weather']);
    assert.match(answer.text, /sunny/);
  }
}

async function streamed_tools_are_run() {
  for (const model of both_ways('twin/twin-1')) {
    ran.length = 0;
    const result = streamText({ model, prompt: both, tools, stopWhen: stepCountIs(3), ...quiet });
    assert.match(await result.text, /noon/);
    assert.deepEqual(ran.toSorted(), ['time', 'weather']);
  }
}

async function structured_output() {
  const schema = z.object({ name: z.string(), tags: z.array(z.string()) });
  for (const model of both_ways('twin/twin-1')) {
    schema.parse((await generateText({ model, prompt: 'Somebody', output: Output.object({ schema }) })).output);
    schema.parse(await streamText({ model, prompt: 'Somebody', output: Output.object({ schema }), ...quiet }).output);
  }
}

async function reasoning() {
  const answer = await generateText({ model: compatible('twin/reasoner'), prompt: 'Hello' });
  assert(answer.reasoningText, 'no reasoning');
}

async function abort_amid_a_stream() {
  uses(`abort-${name}`);
  const control = new AbortController();
  const result = streamText({ model: openai.chat('endless/words'), prompt: 'x', abortSignal: control.signal,
    providerOptions: { openai: { user: `abort-${name}` } }, ...quiet });
  let pieces = 0;
  try {
    for await (const _ of result.textStream) if (++pieces === 3) control.abort();
  } catch (error) {
    assert.equal(error.name, 'AbortError');
  }
  assert(pieces >= 3);
}

async function retries() {
  for (const model of ['flaky-429', 'flaky-500']) {
    uses(`far/${model}-${name}`);
    assert((await generateText({ model: openai.chat(`far/${model}-${name}`), prompt: 'x' })).text);
  }
  uses(`far/never-400-${name}`);
  await raised(APICallError, () => generateText({ model: openai.chat(`far/never-400-${name}`), prompt: 'x' }));
}

async function errors_are_its_exceptions() {
  for (const model of both_ways('no-such-model')) {
    const error = await raised(APICallError, () => generateText({ model, prompt: 'x', maxRetries: 0 }));
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /no-such-model/);
    assert.equal(error.isRetryable, false);
  }
  const error = await raised(RetryError, () => generateText({ model: openai.chat('nowhere/x'), prompt: 'x', maxRetries: 1 }));
  assert.equal(error.lastError.statusCode, 502);
}

async function an_error_amid_a_stream() {
  for (const model of both_ways('twin/lorem')) {
    const result = streamText({ model, prompt: 'x', headers: { 'x-twin-cut-after-events': '4', 'x-twin-write-each': '1' }, maxRetries: 0, ...quiet });
    const kinds = [];
    for await (const part of result.fullStream) kinds.push(part.type);
    assert(kinds.includes('text-delta') && kinds.includes('error'), String(kinds));
  }
}

await run([plain_text, streamed_text, tools_are_run, streamed_tools_are_run, structured_output, reasoning, abort_amid_a_stream, retries,
  errors_are_its_exceptions, an_error_amid_a_stream]);
