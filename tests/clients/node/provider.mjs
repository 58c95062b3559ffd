// A real OpenID provider (panva's certified oidc-provider) for the tests of outside issuers.
//
// usage: node provider.mjs PORT KEYS.json
//
// It serves http://127.0.0.1:PORT with the signing keys of the file (a JSON array of private JWKs; the
// first one of the algorithm signs), two apps and one API. Everyone may sign in; a user name tells the groups that the
// person is in: `anna.tier1.tier2` is in the groups `tier1` and `tier2`. A line on stdout says when it
// is ready.
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, keyFile] = process.argv.slice(2);
const API = 'https://api.securitycenter.microsoft.com';
const issuer = `http://127.0.0.1:${port}`;
const keys = JSON.parse(readFileSync(keyFile, 'utf8'));

const provider = new Provider(issuer, {
  jwks: { keys },
  clients: [
    {
      client_id: 'playbook',
      client_secret: 'secret-of-the-playbook',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: keys[0].alg,
    },
    {
      client_id: 'console',
      client_secret: 'secret-of-the-console',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://127.0.0.1:9/back'],
      response_types: ['code'],
      id_token_signed_response_alg: keys[0].alg,
    },
  ],
  cookies: { keys: ['of the tests'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'Machine.Read Machine.ReadWrite',
        audience: API,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: keys[0].alg } },
      }),
    },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  // What Entra ID calls app roles and group claims, a mapper puts into the token at other providers.
  extraTokenClaims: (_, token) =>
    token.accountId
      ? { preferred_username: token.accountId, groups: token.accountId.split('.').slice(1) }
      : { realm_access: { roles: ['Machine.Read.All'] } },
});

provider.listen(Number(port), '127.0.0.1', () => console.log(`ready ${issuer}`));
