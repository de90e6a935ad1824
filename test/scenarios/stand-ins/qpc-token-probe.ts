// The operator's own probe, by the one command contract: the token on descriptor 3 is in use (exit 0) or not
// (exit 1), or nobody can tell (exit 75). With `--refused` the one on descriptor 4 no longer is.
import { readFileSync } from 'node:fs'
import { askQuic } from './qpc-transport.ts'

const [port = '', asked = '--accepted'] = process.argv.slice(2)
const token = readFileSync(asked === '--refused' ? 4 : 3, 'utf8')
const answer = await askQuic(Number(port), { method: 'hello', token }).catch(() => undefined)
const accepted = answer?.error === undefined
process.exit(answer === undefined ? 75 : accepted === (asked === '--accepted') ? 0 : 1)
