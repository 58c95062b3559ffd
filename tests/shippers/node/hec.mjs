// Sends the records of a file, one a line, with Splunk's own library for Node, which tries again where no
// connection could be made.
import { readFileSync } from 'node:fs'
import splunk from 'splunk-logging'

const [url, token, file, pause] = process.argv.slice(2)
const logger = new splunk.Logger({ url, token, maxBatchCount: 25, batchInterval: 0, maxRetries: 1000 })
logger.requestOptions.strictSSL = true
logger.error = error => { console.error(String(error)) }
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const records = readFileSync(file, 'utf8').trim().split('\n')
for (let at = 0; at < records.length; at += 25) {
  await new Promise((resolve, reject) => {
    const part = records.slice(at, at + 25)
    part.forEach((record, i) => logger.send(
      { message: JSON.parse(record), metadata: { sourcetype: '_json' } },
      // The last of a batch sends it.
      i + 1 < part.length
        ? () => {}
        : (error, _, body) => error || body.code !== 0 ? reject(error ?? new Error(JSON.stringify(body))) : resolve()))
  })
  await sleep(Number(pause))
}
