// The official client libraries, each made to answer one neutral question, so that the same cases run with all of them.
// ask(model, wish) → {text, thinking, calls, finish: stop | tools | length, usage: {input, output}, pieces, message}.
import Anthropic from '@anthropic-ai/sdk';
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { GoogleGenAI } from '@google/genai';
import { CohereClientV2 } from 'cohere-ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { key, root, url } from './cases.mjs';

const empty = () => ({ text: '', thinking: '', calls: [], finish: '', usage: { input: 0, output: 0 }, pieces: 0 });
const bytesOf = (base64) => Uint8Array.from(Buffer.from(base64, 'base64'));

async function fails(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was raised');
}

/** Leaves a stream after its first piece. */
async function leave(stream, stop) {
  for await (const _ of stream) break;
  stop?.();
}

// --- OpenAI, Chat Completions -------------------------------------------------------------------------------------------------

const openai = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const chatFinish = { stop: 'stop', tool_calls: 'tools', length: 'length' };

function chatRequest(model, wish) {
  const content = wish.image
    ? [{ type: 'text', text: wish.prompt }, { type: 'image_url', image_url: { url: `data:image/png;base64,${wish.image}` } }]
    : wish.prompt;
  const messages = [...(wish.system ? [{ role: 'system', content: wish.system }] : []), { role: 'user', content }];
  if (wish.before) {
    messages.push(wish.before.message);
    wish.before.calls.forEach((call, i) => messages.push({ role: 'tool', tool_call_id: call.id, content: wish.results[i] }));
  }
  return {
    model, messages,
    ...(wish.tools && { tools: wish.tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(wish.schema && { response_format: { type: 'json_schema', json_schema: { name: 'book', strict: true, schema: wish.schema } } }),
    ...(wish.think && { reasoning_effort: 'medium' }),
    ...(wish.maxTokens && { max_tokens: wish.maxTokens }),
    ...(wish.stream && { stream: true, stream_options: { include_usage: true } }),
  };
}

export const openaiChat = {
  name: 'openai', structured: true, thinking: true, fails,
  async ask(model, wish) {
    const out = empty();
    const answer = await openai.chat.completions.create(chatRequest(model, wish));
    const calls = [];
    const take = (message, choice, usage) => {
      out.text += message.content ?? '';
      out.thinking += message.reasoning_content ?? '';
      for (const call of message.tool_calls ?? []) {
        const at = (calls[call.index ?? calls.length] ??= { id: call.id, name: '', text: '' });
        at.name += call.function.name ?? '';
        at.text += call.function.arguments ?? '';
      }
      if (choice?.finish_reason) out.finish = chatFinish[choice.finish_reason] ?? choice.finish_reason;
      if (usage) out.usage = { input: usage.prompt_tokens, output: usage.completion_tokens };
    };
    if (wish.stream) {
      for await (const piece of answer) {
        ++out.pieces;
        take(piece.choices[0]?.delta ?? {}, piece.choices[0], piece.usage);
      }
    } else {
      take(answer.choices[0].message, answer.choices[0], answer.usage);
      out.message = answer.choices[0].message;
    }
    out.calls = calls.map((call) => ({ id: call.id, name: call.name, arguments: JSON.parse(call.text) }));
    return out;
  },
  async abort(model, wish) {
    const stream = await openai.chat.completions.create(chatRequest(model, { ...wish, stream: true }));
    await leave(stream, () => stream.controller.abort());
  },
};

// --- OpenAI, Responses --------------------------------------------------------------------------------------------------------

function responsesRequest(model, wish) {
  const content = [{ type: 'input_text', text: wish.prompt },
    ...(wish.image ? [{ type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${wish.image}` }] : [])];
  const input = [{ role: 'user', content }];
  if (wish.before) {
    input.push(...wish.before.message);
    wish.before.calls.forEach((call, i) => input.push({ type: 'function_call_output', call_id: call.id, output: wish.results[i] }));
  }
  return {
    model, input, store: false,
    ...(wish.system && { instructions: wish.system }),
    ...(wish.tools && { tools: wish.tools.map((tool) => ({ type: 'function', strict: true, ...tool })) }),
    ...(wish.schema && { text: { format: { type: 'json_schema', name: 'book', strict: true, schema: wish.schema } } }),
    ...(wish.think && { reasoning: { effort: 'medium', summary: 'auto' } }),
    ...(wish.maxTokens && { max_output_tokens: wish.maxTokens }),
  };
}

export const openaiResponses = {
  name: 'responses', structured: true, thinking: true, fails,
  async ask(model, wish) {
    const out = empty();
    let response;
    if (wish.stream) {
      const stream = openai.responses.stream(responsesRequest(model, wish));
      let last = -1;
      for await (const event of stream) {
        ++out.pieces;
        if (event.sequence_number <= last) throw new Error(`sequence number ${event.sequence_number} behind ${last}`);
        last = event.sequence_number;
        if (event.type === 'response.failed') throw new Error(event.response.error?.message ?? 'failed');
        if (event.type === 'error') throw new Error(event.message);
      }
      response = await stream.finalResponse();
    } else {
      response = await openai.responses.create(responsesRequest(model, wish));
    }
    out.message = response.output;
    for (const item of response.output) {
      if (item.type === 'message') out.text += item.content.map((part) => part.text ?? '').join('');
      if (item.type === 'reasoning') out.thinking += [...item.summary, ...(item.content ?? [])].map((part) => part.text).join('');
      if (item.type === 'function_call') out.calls.push({ id: item.call_id, name: item.name, arguments: JSON.parse(item.arguments) });
    }
    out.usage = { input: response.usage.input_tokens, output: response.usage.output_tokens };
    out.finish = response.status === 'incomplete' ? 'length' : out.calls.length ? 'tools' : 'stop';
    return out;
  },
  async abort(model, wish) {
    const stream = await openai.responses.create({ ...responsesRequest(model, wish), stream: true });
    await leave(stream, () => stream.controller.abort());
  },
};

// --- Anthropic ----------------------------------------------------------------------------------------------------------------

const claude = new Anthropic({ baseURL: root, apiKey: key, maxRetries: 0 });
const claudeFinish = { end_turn: 'stop', tool_use: 'tools', max_tokens: 'length' };

function claudeRequest(model, wish) {
  const content = [...(wish.image ? [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: wish.image } }] : []),
    { type: 'text', text: wish.prompt }];
  const messages = [{ role: 'user', content }];
  if (wish.before) {
    messages.push({ role: 'assistant', content: wish.before.message });
    messages.push({ role: 'user', content: wish.before.calls.map((call, i) => (
      { type: 'tool_result', tool_use_id: call.id, content: wish.results[i] })) });
  }
  return {
    model, messages, max_tokens: wish.maxTokens ?? 4000,
    ...(wish.system && { system: wish.system }),
    ...(wish.tools && { tools: wish.tools.map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters })) }),
    ...(wish.schema && { output_config: { format: { type: 'json_schema', schema: wish.schema } } }),
    ...(wish.think && { thinking: { type: 'enabled', budget_tokens: 2000 } }),
  };
}

export const anthropic = {
  name: 'anthropic', structured: true, thinking: true, fails,
  async ask(model, wish) {
    const out = empty();
    let message;
    if (wish.stream) {
      const stream = claude.messages.stream(claudeRequest(model, wish));
      for await (const _ of stream) ++out.pieces;
      message = await stream.finalMessage();
    } else {
      message = await claude.messages.create(claudeRequest(model, wish));
    }
    out.message = message.content;
    for (const block of message.content) {
      if (block.type === 'text') out.text += block.text;
      if (block.type === 'thinking') out.thinking += block.thinking;
      if (block.type === 'tool_use') out.calls.push({ id: block.id, name: block.name, arguments: block.input });
    }
    out.finish = claudeFinish[message.stop_reason] ?? message.stop_reason;
    out.usage = { input: message.usage.input_tokens, output: message.usage.output_tokens };
    return out;
  },
  async abort(model, wish) {
    const stream = claude.messages.stream(claudeRequest(model, wish));
    await leave(stream, () => stream.abort());
  },
};

// --- Gemini -------------------------------------------------------------------------------------------------------------------

const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: root } });

function googleRequest(model, wish) {
  const parts = [{ text: wish.prompt }, ...(wish.image ? [{ inlineData: { mimeType: 'image/png', data: wish.image } }] : [])];
  const contents = [{ role: 'user', parts }];
  if (wish.before) {
    contents.push(wish.before.message);
    contents.push({ role: 'user', parts: wish.before.calls.map((call, i) => (
      { functionResponse: { id: call.id, name: call.name, response: { output: wish.results[i] } } })) });
  }
  return {
    model, contents,
    config: {
      ...(wish.system && { systemInstruction: wish.system }),
      ...(wish.tools && { tools: [{ functionDeclarations: wish.tools.map(({ parameters, ...tool }) => ({ ...tool, parametersJsonSchema: parameters })) }] }),
      ...(wish.schema && { responseMimeType: 'application/json', responseJsonSchema: wish.schema }),
      ...(wish.think && { thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 } }),
      ...(wish.maxTokens && { maxOutputTokens: wish.maxTokens }),
      ...(wish.signal && { abortSignal: wish.signal }),
    },
  };
}

export const gemini = {
  name: 'gemini', structured: true, thinking: true, fails,
  async ask(model, wish) {
    const out = empty();
    const parts = [];
    let finish;
    const take = (piece) => {
      const candidate = piece.candidates?.[0];
      parts.push(...(candidate?.content?.parts ?? []));
      finish = candidate?.finishReason ?? finish;
      if (piece.usageMetadata) {
        out.usage = { input: piece.usageMetadata.promptTokenCount, output: piece.usageMetadata.candidatesTokenCount };
      }
    };
    if (wish.stream) {
      for await (const piece of await google.models.generateContentStream(googleRequest(model, wish))) {
        ++out.pieces;
        take(piece);
      }
    } else {
      take(await google.models.generateContent(googleRequest(model, wish)));
    }
    for (const part of parts) {
      if (part.functionCall) out.calls.push({ id: part.functionCall.id, name: part.functionCall.name, arguments: part.functionCall.args });
      else if (part.thought) out.thinking += part.text ?? '';
      else out.text += part.text ?? '';
    }
    out.message = { role: 'model', parts };
    out.finish = out.calls.length ? 'tools' : { STOP: 'stop', MAX_TOKENS: 'length' }[finish] ?? finish;
    return out;
  },
  async abort(model, wish) {
    const control = new AbortController();
    const stream = await google.models.generateContentStream(googleRequest(model, { ...wish, signal: control.signal }));
    await leave(stream, () => control.abort());
  },
};

// --- Bedrock ------------------------------------------------------------------------------------------------------------------

// The library's default is HTTP/2 without TLS, which this gateway does not speak.
const aws = new BedrockRuntimeClient({ requestHandler: new NodeHttpHandler(), endpoint: root, region: 'us-east-1', maxAttempts: 1, token: { token: key }, authSchemePreference: ['httpBearerAuth'] });
const awsFinish = { end_turn: 'stop', tool_use: 'tools', max_tokens: 'length' };

function awsRequest(model, wish) {
  const content = [{ text: wish.prompt }, ...(wish.image ? [{ image: { format: 'png', source: { bytes: bytesOf(wish.image) } } }] : [])];
  const messages = [{ role: 'user', content }];
  if (wish.before) {
    messages.push(wish.before.message);
    messages.push({ role: 'user', content: wish.before.calls.map((call, i) => (
      { toolResult: { toolUseId: call.id, content: [{ text: wish.results[i] }] } })) });
  }
  return {
    modelId: model, messages,
    ...(wish.system && { system: [{ text: wish.system }] }),
    ...(wish.tools && { toolConfig: { tools: wish.tools.map(({ parameters, ...tool }) => ({ toolSpec: { ...tool, inputSchema: { json: parameters } } })) } }),
    ...(wish.maxTokens && { inferenceConfig: { maxTokens: wish.maxTokens } }),
    ...(wish.think && { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2000 } } }),
  };
}

/** What a stream's events say, as the message that Converse would have given. */
async function awsCollect(stream, out) {
  const content = [];
  const answer = { output: { message: { role: 'assistant', content } } };
  for await (const event of stream) {
    ++out.pieces;
    for (const [name, value] of Object.entries(event)) {
      if (name.endsWith('Exception')) throw Object.assign(new Error(value.message ?? name), { name });
    }
    const start = event.contentBlockStart?.start?.toolUse;
    if (start) content[event.contentBlockStart.contentBlockIndex] = { toolUse: { ...start, input: '' } };
    if (event.contentBlockDelta) {
      const { contentBlockIndex: at, delta } = event.contentBlockDelta;
      if (delta.text !== undefined) (content[at] ??= { text: '' }).text += delta.text;
      if (delta.toolUse) content[at].toolUse.input += delta.toolUse.input;
      if (delta.reasoningContent?.text) {
        (content[at] ??= { reasoningContent: { reasoningText: { text: '' } } }).reasoningContent.reasoningText.text += delta.reasoningContent.text;
      }
    }
    if (event.messageStop) answer.stopReason = event.messageStop.stopReason;
    if (event.metadata) answer.usage = event.metadata.usage;
  }
  for (const block of content) if (block?.toolUse) block.toolUse.input = JSON.parse(block.toolUse.input || '{}');
  answer.output.message.content = content.filter((block) => block);
  return answer;
}

export const bedrock = {
  name: 'bedrock', structured: false, thinking: true,
  async fails(action) {
    const error = await fails(action);
    error.status = error.$metadata?.httpStatusCode;
    return error;
  },
  async ask(model, wish) {
    const out = empty();
    const answer = wish.stream ? await awsCollect((await aws.send(new ConverseStreamCommand(awsRequest(model, wish)))).stream, out)
      : await aws.send(new ConverseCommand(awsRequest(model, wish)));
    out.message = answer.output.message;
    for (const block of answer.output.message.content) {
      out.text += block.text ?? '';
      out.thinking += block.reasoningContent?.reasoningText?.text ?? '';
      if (block.toolUse) out.calls.push({ id: block.toolUse.toolUseId, name: block.toolUse.name, arguments: block.toolUse.input });
    }
    out.finish = awsFinish[answer.stopReason] ?? answer.stopReason;
    out.usage = { input: answer.usage.inputTokens, output: answer.usage.outputTokens };
    return out;
  },
  async abort(model, wish) {
    const control = new AbortController();
    const answer = await aws.send(new ConverseStreamCommand(awsRequest(model, wish)), { abortSignal: control.signal });
    await leave(answer.stream, () => control.abort());
  },
};

// --- Cohere -------------------------------------------------------------------------------------------------------------------

const co = new CohereClientV2({ environment: root, token: key });
const coFinish = { COMPLETE: 'stop', TOOL_CALL: 'tools', MAX_TOKENS: 'length' };

function coRequest(model, wish) {
  const content = wish.image
    ? [{ type: 'text', text: wish.prompt }, { type: 'image_url', imageUrl: { url: `data:image/png;base64,${wish.image}` } }]
    : wish.prompt;
  const messages = [...(wish.system ? [{ role: 'system', content: wish.system }] : []), { role: 'user', content }];
  if (wish.before) {
    messages.push(wish.before.message);
    wish.before.calls.forEach((call, i) => messages.push({ role: 'tool', toolCallId: call.id, content: wish.results[i] }));
  }
  return {
    model, messages,
    ...(wish.tools && { tools: wish.tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(wish.schema && { responseFormat: { type: 'json_object', jsonSchema: wish.schema } }),
    ...(wish.think && { thinking: { type: 'enabled', tokenBudget: 2000 } }),
    ...(wish.maxTokens && { maxTokens: wish.maxTokens }),
  };
}
const once = { maxRetries: 0 };

export const cohere = {
  name: 'cohere', structured: true, thinking: true,
  async fails(action) {
    const error = await fails(action);
    error.status = error.statusCode;
    return error;
  },
  async ask(model, wish) {
    const out = empty();
    const calls = [];
    if (wish.stream) {
      for await (const event of await co.chatStream(coRequest(model, wish), once)) {
        ++out.pieces;
        const message = event.delta?.message;
        if (event.type === 'content-delta') {
          out.text += message.content.text ?? '';
          out.thinking += message.content.thinking ?? '';
        }
        if (event.type === 'tool-call-start') calls[event.index] = { id: message.toolCalls.id, name: message.toolCalls.function.name, text: message.toolCalls.function.arguments ?? '' };
        if (event.type === 'tool-call-delta') calls[event.index].text += message.toolCalls.function.arguments;
        if (event.type === 'message-end') {
          if (event.delta.error) throw new Error(event.delta.error);
          out.finish = coFinish[event.delta.finishReason] ?? event.delta.finishReason;
          out.usage = { input: event.delta.usage?.tokens?.inputTokens, output: event.delta.usage?.tokens?.outputTokens };
        }
      }
      if (!out.finish || out.finish === 'ERROR') throw new Error('the stream ended without its end');
    } else {
      const answer = await co.chat(coRequest(model, wish), once);
      out.message = answer.message;
      for (const part of answer.message.content ?? []) {
        out.text += part.text ?? '';
        out.thinking += part.thinking ?? '';
      }
      for (const call of answer.message.toolCalls ?? []) calls.push({ id: call.id, name: call.function.name, text: call.function.arguments });
      out.finish = coFinish[answer.finishReason] ?? answer.finishReason;
      out.usage = { input: answer.usage?.tokens?.inputTokens, output: answer.usage?.tokens?.outputTokens };
    }
    out.calls = calls.filter((call) => call).map((call) => ({ id: call.id, name: call.name, arguments: JSON.parse(call.text) }));
    return out;
  },
  async abort(model, wish) {
    const control = new AbortController();
    const stream = await co.chatStream(coRequest(model, wish), { ...once, abortSignal: control.signal });
    await leave(stream, () => control.abort());
  },
};

// --- Ollama -------------------------------------------------------------------------------------------------------------------

const llama = new Ollama({ host: root, headers: { Authorization: `Bearer ${key}` } });

function llamaRequest(model, wish) {
  const messages = [...(wish.system ? [{ role: 'system', content: wish.system }] : []),
    { role: 'user', content: wish.prompt, ...(wish.image && { images: [wish.image] }) }];
  if (wish.before) {
    messages.push(wish.before.message);
    wish.before.calls.forEach((call, i) => messages.push({ role: 'tool', tool_name: call.name, content: wish.results[i] }));
  }
  return {
    model, messages,
    ...(wish.tools && { tools: wish.tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(wish.schema && { format: wish.schema }),
    ...(wish.think && { think: true }),
    ...(wish.maxTokens && { options: { num_predict: wish.maxTokens } }),
  };
}

export const ollama = {
  name: 'ollama', structured: true, thinking: true,
  async fails(action) {
    const error = await fails(action);
    error.status = error.status_code;
    return error;
  },
  async ask(model, wish) {
    const out = empty();
    const take = (piece) => {
      out.text += piece.message?.content ?? '';
      out.thinking += piece.message?.thinking ?? '';
      for (const call of piece.message?.tool_calls ?? []) out.calls.push({ name: call.function.name, arguments: call.function.arguments });
      if (!piece.done) return;
      out.finish = out.calls.length ? 'tools' : piece.done_reason;
      out.usage = { input: piece.prompt_eval_count, output: piece.eval_count };
    };
    if (wish.stream) {
      for await (const piece of await llama.chat({ ...llamaRequest(model, wish), stream: true })) {
        ++out.pieces;
        take(piece);
      }
    } else {
      const answer = await llama.chat(llamaRequest(model, wish));
      take(answer);
      out.message = answer.message;
    }
    return out;
  },
  async abort(model, wish) {
    const stream = await llama.chat({ ...llamaRequest(model, wish), stream: true });
    for await (const _ of stream) break;
    stream.abort();
  },
};
