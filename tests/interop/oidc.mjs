// A certified OpenID provider (npm oidc-provider) on loopback: it logs a person in and lets programs through, by signed token and by
// introspection, and changes its keys meanwhile. Starts a gateway of its own ($CARDEA_BIN).
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

if (parseInt(process.versions.node) < 20) {
  console.log('skipped oidc-provider wants Node 20')
  process.exit(0)
}
const { default: Provider } = await import('oidc-provider')

const freePort = () => new Promise((resolve) => {
  const probe = createSocket().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)) })
})
const [gatewayPort, providerPort] = [await freePort(), await freePort()]
const gateway = `http://127.0.0.1:${gatewayPort}`
const issuer = `http://127.0.0.1:${providerPort}`
// Its hints for production.
console.info = console.warn = () => {}

const jwk = (type, kid, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, use: 'sig' })
const keys = { first: jwk('rsa', 'first', { modulusLength: 2048 }), second: jwk('ec', 'second', { namedCurve: 'P-256' }) }
const opaque = 'urn:opaque'

function provider(key, alg) {
  const out = new Provider(issuer, {
    clients: [
      { client_id: 'cardea', client_secret: 'cardea-s3cret+/', redirect_uris: [`${gateway}/callback`], grant_types: ['authorization_code'], id_token_signed_response_alg: alg },
      { client_id: 'program', client_secret: 'program-s3cret', id_token_signed_response_alg: alg, redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['cookies'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    pkce: { required: () => true },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, email: `${sub}@acme.example`, email_verified: true, groups: ['gateway-admins'] }) }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:cardea',
        getResourceServerInfo: (_, resource) => ({ scope: 'models', audience: resource === opaque ? opaque : 'cardea', accessTokenFormat: resource === opaque ? 'opaque' : 'jwt', accessTokenTTL: 300, jwt: { sign: { alg } } }),
      },
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  })
  return out.callback()
}
let answer = provider(keys.first, 'RS256')
createServer((request, response) => answer(request, response)).listen(providerPort, '127.0.0.1')

const folder = mkdtempSync(join(tmpdir(), 'cardea-oidc-'))
writeFileSync(join(folder, 'cardea.yaml'), `
listen: 127.0.0.1:${gatewayPort}
data: ${folder}/data
workers: 2
keys: [{name: laptop, key: sk-laptop-0123456789abcdef}]
organizations: {acme: {}}
teams: {research: {organization: acme}}
jwt: [{issuer: "${issuer}", audience: cardea, jwks: "${issuer}/jwks", team: research, claims: {subject: client_id}}]
introspection: {url: "${issuer}/token/introspection", client_id: cardea, client_secret: "cardea-s3cret+/", audience: "${opaque}", team: research, claims: {subject: client_id}}
oidc: {issuer: "${issuer}", client_id: cardea, client_secret: "cardea-s3cret+/", redirect_url: "${gateway}/callback", scopes: [openid, email, groups], claims: {role: groups}, roles: {gateway-admins: admin}}
`)
const child = spawn(process.env.CARDEA_BIN, ['serve', '--config', join(folder, 'cardea.yaml')], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: folder } })
let log = ''
child.stdout.on('data', (data) => { log += data })
child.stderr.on('data', (data) => { log += data })

let failed = 0
async function check(name, action) {
  try {
    await action()
    console.log(`passed ${name}`)
  } catch (error) {
    failed++
    console.log(`failed ${name}: ${error.message}`)
  }
}
function equal(what, got, wanted) {
  if (got !== wanted) throw new Error(`${what} is ${got}, not ${wanted}`)
}

/** A browser's way of asking: cookies of each origin are kept, redirects not followed. */
const jar = new Map()
async function browse(url, options = {}) {
  const { origin } = new URL(url)
  const cookies = jar.get(origin) ?? jar.set(origin, new Map()).get(origin)
  const headers = { ...options.headers, cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
  const response = await fetch(url, { ...options, headers, redirect: 'manual' })
  for (const line of response.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split(/=(.*)/s)
    if (value && !/max-age=0/i.test(line)) cookies.set(name, value)
    else cookies.delete(name)
  }
  return response
}
const form = (values) => ({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(values) })
async function token(resource) {
  const wanted = form({ grant_type: 'client_credentials', ...(resource ? { resource } : {}), scope: 'models' })
  wanted.headers.authorization = `Basic ${Buffer.from('program:program-s3cret').toString('base64')}`
  const response = await fetch(`${issuer}/token`, wanted)
  const body = await response.json()
  if (!body.access_token) throw new Error(`the provider gave no token: ${JSON.stringify(body)}`)
  return body.access_token
}
async function ask(credential) {
  const response = await fetch(`${gateway}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${credential}` }, body: JSON.stringify({ model: 'twin/twin-1', messages: [{ role: 'user', content: 'Hello' }] }) })
  await response.text()
  return response.status
}

for (let tries = 0; tries < 100; tries++) {
  if (await fetch(`${gateway}/livez`).then((r) => r.ok, () => false)) break
  await new Promise((resolve) => setTimeout(resolve, 50))
}

/** Through the provider's own pages; the last answer is the gateway's to /callback. */
async function logIn() {
  let response = await browse(`${gateway}/login?return_to=/dashboard/keys`)
  equal('the status of /login', response.status, 303)
  let url = response.headers.get('location')
  for (let steps = 0; steps < 12; steps++) {
    response = await browse(url)
    if (url.startsWith(`${gateway}/callback`)) return response
    if (response.status === 200) {
      const page = await response.text()
      const action = page.match(/action="([^"]+)"/)[1]
      const prompt = page.match(/name="prompt" value="([^"]+)"/)[1]
      response = await browse(new URL(action, url).href, form(prompt === 'login' ? { prompt, login: 'ann', password: 'x' } : { prompt }))
    }
    const next = response.headers.get('location')
    if (!next) throw new Error(`no way on from ${url}: status ${response.status} ${await response.text()}`)
    url = new URL(next, url).href
  }
  throw new Error('the provider goes in circles')
}

try {
  await check('a program comes with a signed token (RS256)', async () => equal('the status', await ask(await token()), 200))
  await check('a program comes with an opaque token, by introspection', async () => equal('the status', await ask(await token(opaque)), 200))
  await check('a made-up token is refused', async () => equal('the status', await ask('made-up'), 401))
  await check('a changed token is refused', async () => equal('the status', await ask(`${(await token()).slice(0, -6)}AAAAAA`), 401))
  await check('a revoked opaque token is refused', async () => {
    const revoked = await token(opaque)
    const request = form({ token: revoked })
    request.headers.authorization = `Basic ${Buffer.from('program:program-s3cret').toString('base64')}`
    const response = await fetch(`${issuer}/token/revocation`, request)
    if (response.ok) equal('the status', await ask(revoked), 401)
  })
  await check('a person logs in with code and PKCE', async () => {
    const response = await logIn()
    equal('the status of /callback', response.status, 303)
    equal('where it leads', response.headers.get('location'), '/dashboard/keys')
    const models = await browse(`${gateway}/v1/models`)
    equal('the status with the session', models.status, 200)
    const foreign = await browse(`${gateway}/v1/chat/completions`, { method: 'POST', headers: { origin: 'https://evil.example' }, body: '{}' })
    equal("the status of another page's request", foreign.status, 403)
  })
  await check('a callback is good once', async () => {
    const again = await browse(`${gateway}/callback?code=x&state=y`)
    equal('the status', again.status, 401)
  })
  await check('a person logs out', async () => {
    const out = await browse(`${gateway}/logout`, { method: 'POST', headers: { origin: gateway } })
    equal('the status of /logout', out.status, 303)
    const models = await browse(`${gateway}/v1/models`)
    equal('the status without the session', models.status, 401)
  })
  await check('a key is exchanged for a short-lived token', async () => {
    const response = await fetch(`${gateway}/oauth/token`, form({ grant_type: 'client_credentials', client_id: 'laptop', client_secret: 'sk-laptop-0123456789abcdef' }))
    const body = await response.json()
    equal('the type', body.token_type, 'Bearer')
    equal('the status', await ask(body.access_token), 200)
    const wrong = await fetch(`${gateway}/oauth/token`, form({ grant_type: 'client_credentials', client_id: 'laptop', client_secret: 'wrong' }))
    equal('the status of a wrong secret', wrong.status, 401)
    equal('its error', (await wrong.json()).error, 'invalid_client')
  })
  answer = provider(keys.second, 'ES256')
  // Whoever has asked less than 30 s ago asks again then: not waited for here (identities_test.cc does, by a clock of its own), so a 401 is right
  // too; a token signed by nobody's key never passes.
  await check('after a change of keys nothing breaks', async () => {
    const status = await ask(await token())
    if (status !== 200 && status !== 401) throw new Error(`the status is ${status}`)
  })
  await check('a login after the change', async () => {
    jar.clear()
    const response = await logIn()
    equal('the status of /callback', response.status, 303)
  })
} finally {
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
  rmSync(folder, { recursive: true, force: true })
}
if (failed) console.log(log.slice(-3000))
process.exit(failed ? 1 : 0)
