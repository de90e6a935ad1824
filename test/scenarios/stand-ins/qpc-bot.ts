// A bot with a bearer token from a systemd EnvironmentFile, which says hello when it starts.
import { join } from 'node:path'
import { askQuic } from './qpc-transport.ts'
import { systemdEnvironment } from './systemd-environment.ts'

const [folder = '.', port = ''] = process.argv.slice(2)
const token = systemdEnvironment(join(folder, 'bot.env'))['QPC_ACCESS_TOKEN'] ?? ''
const answer = await askQuic(Number(port), { method: 'hello', token })
process.exit(answer.error === undefined ? 0 : 1)
