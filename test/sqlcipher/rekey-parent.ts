// What rekeyd's process does, for tests that kill it: rekeys the database of its first argument, from the
// hex key of the second to that of the third (both are made up by the test).
import { rekeyDatabase } from '../../src/sqlcipher/rekey.ts'

const [path = '', previous = '', next = ''] = process.argv.slice(2)
const key = (hex: string) => ({ form: 'raw' as const, bytes: Buffer.from(hex, 'hex') })
await rekeyDatabase(
  { path, cipher: 4, previous: key(previous), next: key(next), tag: 'r1' },
  new AbortController().signal,
)
