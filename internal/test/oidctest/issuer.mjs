// An OpenID provider for tests: node issuer.mjs PORT KEYS AUDIENCE
// It keeps its keys in the file KEYS, so that they outlive it. Commands come on standard input, one a line, and are
// answered with "ok": rotate (sign with a new key, keep publishing the old ones), drop (publish only the newest).
// It ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

console.info = console.warn = () => {}; // advice for production

const [port, file, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: `key-${Date.now()}-${Math.random()}` };
}

let keys = existsSync(file) ? JSON.parse(readFileSync(file)) : [newKey()];
let handle;

function start() {
  writeFileSync(file, JSON.stringify(keys));
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'agent', application_type: 'native', token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'], grant_types: ['authorization_code'], response_types: ['code'],
    }, {
      client_id: 'job', client_secret: 'secret-of-the-job', grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    }],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['test'] },
    scopes: ['openid', 'offline_access', 'db:use'],
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      registration: { enabled: true }, // clients of MCP introduce themselves
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'db:use', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256', kid: keys[0].kid } },
        }),
        defaultResource: () => audience,
        useGrantedResource: () => true,
      },
    },
  });
  handle = provider.callback();
}

start();
createServer((req, res) => handle(req, res)).listen(Number(port), '127.0.0.1', () => console.log('ok'));
const commands = createInterface({ input: process.stdin });
commands.on('line', (command) => {
  keys = command === 'rotate' ? [newKey(), ...keys] : keys.slice(0, 1);
  start();
  console.log('ok');
});
commands.on('close', () => process.exit(0));
