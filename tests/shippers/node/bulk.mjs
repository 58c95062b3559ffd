// Sends the documents of a file, one a line, as the Elasticsearch client for JavaScript does, and sends a
// part again until it was taken.
import { readFileSync } from 'node:fs'
import { Client } from '@elastic/elasticsearch'

const [url, id, secret, ca, file, pause] = process.argv.slice(2)
const client = new Client({
  node: url, auth: { apiKey: { id, api_key: secret } }, tls: { ca: readFileSync(ca) },
  maxRetries: 2, requestTimeout: 30_000
})
const documents = readFileSync(file, 'utf8').trim().split('\n').map(line => JSON.parse(line))
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
for (let at = 0; at < documents.length; at += 50) {
  const part = documents.slice(at, at + 50)
  for (;;) {
    try {
      const outcome = await client.helpers.bulk({
        datasource: part, onDocument: () => ({ create: { _index: 'footfall' } }), retries: 0,
        onDrop: ({ error, status }) => { throw new Error(`refused: ${status} ${JSON.stringify(error)}`) }
      })
      if (outcome.successful === part.length) break
    } catch (error) {
      if (String(error.message).startsWith('refused')) throw error
    }
    await sleep(200)
  }
  await sleep(Number(pause))
}
