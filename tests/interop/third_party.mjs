// An OpenAI-compatible server that nobody here wrote (@copilotkit/aimock, started by ./run), reached through the gateway.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { key, run, url } from './cases.mjs';

const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const asked = { model: 'foreign/gpt-4', messages: [{ role: 'user', content: 'hello' }] };
const expected = 'Hello from a server that nobody here wrote, in several pieces.';

async function a_foreign_server_answers() {
  const answer = await client.chat.completions.create(asked);
  assert.equal(answer.choices[0].message.content, expected);
  assert(answer.usage.total_tokens > 0);
}

async function a_foreign_server_streams() {
  let said = '', pieces = 0;
  for await (const piece of await client.chat.completions.create({ ...asked, stream: true })) {
    said += piece.choices[0]?.delta?.content ?? '';
    ++pieces;
  }
  assert.equal(said, expected);
  assert(pieces > 3, `${pieces} pieces`);
}

async function a_foreign_servers_tool_call_arrives() {
  const tools = [{ type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } }];
  const answer = await client.chat.completions.create({ ...asked, messages: [{ role: 'user', content: 'what time is it' }], tools });
  assert.equal(answer.choices[0].message.tool_calls[0].function.name, 'get_time');
}

run([a_foreign_server_answers, a_foreign_server_streams, a_foreign_servers_tool_call_arrives]);
