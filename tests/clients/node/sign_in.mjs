// Real clients of Node, unmodified: @azure/msal-node and @azure/identity sign in and read a user's
// machines. Run by test_node.py, which gives everything in the environment.
//
// usage: node sign_in.mjs FLOW     FLOW is one of the names in `flows` below

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClientCertificateCredential, ClientSecretCredential } from '@azure/identity';
import { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';

const { ORIGIN, TENANT, CLIENT, SECRET, PUBLIC_CLIENT, CERTIFICATE, PRIVATE_KEY } = process.env;
const API = 'https://api.securitycenter.microsoft.com';
const authority = `${ORIGIN}/${TENANT}`;
const scopes = [`${API}/.default`];

/** Footfall is an authority of its own: its host is known, and nothing is asked of the vendor's. */
const auth = (more) => ({
  auth: {
    authority,
    knownAuthorities: [new URL(ORIGIN).host],
    protocolMode: 'OIDC',
    ...more,
  },
});

/** Asks for a user's machines, as any playbook does. */
async function read(token) {
  const answer = await fetch(`${ORIGIN}/api/users/jdoe/machines`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const body = await answer.json();
  console.log(JSON.stringify({ status: answer.status, names: body.value?.map((m) => m.computerDnsName), body }));
}

/** What a person does in a browser: `page` opens an address and gives the redirect that ends it. */
async function inBrowser(url) {
  console.log(JSON.stringify({ open: url }));
  for await (const line of lines()) return line;
}

async function* lines() {
  let text = '';
  for await (const chunk of process.stdin) {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) yield text.slice(0, end);
  }
}

const flows = {
  async msal_secret() {
    const app = new ConfidentialClientApplication(auth({ clientId: CLIENT, clientSecret: SECRET }));
    await read((await app.acquireTokenByClientCredential({ scopes })).accessToken);
  },
  async msal_certificate() {
    const pem = readFileSync(CERTIFICATE, 'utf8');
    const certificate = new X509Certificate(pem);
    const app = new ConfidentialClientApplication(
      auth({
        clientId: CLIENT,
        clientCertificate: {
          thumbprintSha256: createHash('sha256').update(certificate.raw).digest('hex'),
          privateKey: createPrivateKey(readFileSync(PRIVATE_KEY)).export({ type: 'pkcs8', format: 'pem' }),
        },
      }),
    );
    await read((await app.acquireTokenByClientCredential({ scopes })).accessToken);
  },
  async msal_device_code() {
    const app = new PublicClientApplication(auth({ clientId: PUBLIC_CLIENT }));
    const token = await app.acquireTokenByDeviceCode({
      scopes,
      deviceCodeCallback: (answer) => console.log(JSON.stringify({ code: answer.userCode, open: answer.verificationUri })),
    });
    await read(token.accessToken);
  },
  async msal_code() {
    const app = new PublicClientApplication(auth({ clientId: PUBLIC_CLIENT }));
    const redirectUri = 'http://localhost:9/back';
    const verifier = 'v'.repeat(64);
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
    const url = await app.getAuthCodeUrl({
      scopes, redirectUri, codeChallenge, codeChallengeMethod: 'S256', state: 'mine',
    });
    const back = new URL(await inBrowser(url));
    const token = await app.acquireTokenByCode({
      scopes, redirectUri, code: back.searchParams.get('code'), codeVerifier: verifier,
    });
    await read(token.accessToken);
    // From the cache by the refresh token: the access token is not looked at.
    const again = await app.acquireTokenSilent({ account: token.account, scopes, forceRefresh: true });
    await read(again.accessToken);
  },
  async identity_secret() {
    const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET, {
      authorityHost: ORIGIN, disableInstanceDiscovery: true,
    });
    await read((await credential.getToken(scopes)).token);
  },
  async identity_certificate() {
    const pem = readFileSync(CERTIFICATE, 'utf8') + readFileSync(PRIVATE_KEY, 'utf8');
    const credential = new ClientCertificateCredential(TENANT, CLIENT, { certificate: pem }, {
      authorityHost: ORIGIN, disableInstanceDiscovery: true,
    });
    await read((await credential.getToken(scopes)).token);
  },
};

await flows[process.argv[2]]();
