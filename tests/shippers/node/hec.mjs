// Sends the records of a file, one a line, with Splunk's own library for Node, and a part again until it was
// taken.
import { readFileSync } from 'node:fs'
import splunk from 'splunk-logging'

const [url, token, file, pause] = process.argv.slice(2)
const logger = new splunk.Logger({ url, token, maxBatchCount: 0, maxRetries: 5 })
logger.requestOptions.strictSSL = true
logger.error = () => {}
const flush = () => new Promise(resolve => logger.flush((error, _, body) => resolve(!error && body?.code === 0)))
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const records = readFileSync(file, 'utf8').trim().split('\n')
for (let at = 0; at < records.length; at += 50) {
  for (;;) {
    for (const record of records.slice(at, at + 50)) {
      logger.send({ message: JSON.parse(record), metadata: { sourcetype: '_json' } })
    }
    if (await flush()) break
    await sleep(200)
  }
  await sleep(Number(pause))
}
