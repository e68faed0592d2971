// Work that is no chat through each vendor's own library, at an upstream in every form that knows it: the twin says the same vectors in all.
import assert from 'node:assert/strict';
import { GoogleGenAI } from '@google/genai';
import { CohereClientV2 } from 'cohere-ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { key, raised, root, run, url } from './cases.mjs';

const openai = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: root } });
const co = new CohereClientV2({ environment: root, token: key });
const llama = new Ollama({ host: root, headers: { Authorization: `Bearer ${key}` } });

const upstreams = ['openai_chat', 'gemini', 'cohere', 'ollama'];
const texts = ['the quick brown fox', 'jumps over the lazy dog'];
const documents = ['a cat', 'the capital of France is Paris', 'bread'];
let first;

/** Unit vectors, and from everywhere the same. */
function same(vectors) {
  assert.equal(vectors.length, texts.length);
  for (const vector of vectors) assert(Math.abs(Math.hypot(...vector) - 1) < 1e-3, 'no unit vector');
  first ??= vectors;
  vectors.forEach((vector, i) => vector.forEach((x, j) => assert(Math.abs(x - first[i][j]) < 1e-6, `vector ${i} differs at ${j}`)));
}

async function everywhere(ask) {
  for (const upstream of upstreams) {
    try {
      await ask(`up_${upstream}/twin-1`);
    } catch (error) {
      throw new Error(`at ${upstream}: ${error}`, { cause: error });
    }
  }
}

// The library asks for base64 and decodes it, unless told otherwise.
const openai_embeddings = () => everywhere(async (model) => {
  for (const encoding_format of [undefined, 'float', 'base64']) {
    const answer = await openai.embeddings.create({ model, input: texts, ...(encoding_format && { encoding_format }) });
    assert(answer.usage.prompt_tokens > 0);
    const decode = (text) => [...new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer)];
    same(answer.data.map(({ embedding }) => (typeof embedding === 'string' ? decode(embedding) : embedding)));
  }
});

const cohere_embed = () => everywhere(async (model) => {
  const answer = await co.embed({ model, texts, inputType: 'search_document', embeddingTypes: ['float'] });
  assert.deepEqual(answer.texts, texts);
  same(answer.embeddings.float);
});

const ollama_embed = () => everywhere(async (model) => same((await llama.embed({ model, input: texts })).embeddings));
const ollama_embeddings = () => everywhere(async (model) => {
  same([(await llama.embeddings({ model, prompt: texts[0] })).embedding, (await llama.embeddings({ model, prompt: texts[1] })).embedding]);
});

const google_embed = () => everywhere(async (model) => {
  const answer = await google.models.embedContent({ model, contents: texts });
  same(answer.embeddings.map(({ values }) => values));
});

async function cohere_rerank() {
  for (const upstream of ['openai_chat', 'cohere']) {
    const answer = await co.rerank({ model: `up_${upstream}/twin-1`, query: 'capital of France', documents, topN: 2 });
    assert.equal(answer.results.length, 2);
    assert.equal(answer.results[0].index, 1);
    assert(answer.results[0].relevanceScore >= answer.results[1].relevanceScore);
  }
}

async function openai_moderations() {
  const answer = await openai.moderations.create({ model: 'up_openai_chat/twin-1', input: texts });
  assert.equal(answer.results.length, 2);
  assert.equal(typeof answer.results[0].categories.violence, 'boolean');
  assert.equal(typeof answer.results[0].category_scores.violence, 'number');
}

async function errors_are_the_librarys_own() {
  const tokens = await raised(OpenAI.BadRequestError, () => openai.embeddings.create({ model: 'up_gemini/twin-1', input: [[1, 2]] }));
  assert.equal(tokens.param, 'input[0]');
  await raised(OpenAI.BadRequestError, () => openai.moderations.create({ model: 'up_anthropic/twin-1', input: 'x' }));
  await raised(OpenAI.NotFoundError, () => openai.embeddings.create({ model: 'nobody/x', input: 'x' }));
}

await run([openai_embeddings, cohere_embed, ollama_embed, ollama_embeddings, google_embed, cohere_rerank, openai_moderations,
  errors_are_the_librarys_own]);
