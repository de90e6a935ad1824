import type { TcpOptions } from '../../src/admin/admin-app.ts'
import { createApp } from '../../src/admin/app.ts'
import type { Log } from '../../src/admin/problem.ts'
import { Events } from '../../src/model/events.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { FakeOperations } from '../fakes/fake-operations.ts'
import { FakeScraped } from '../fakes/fake-scraped.ts'

/** What the app works with: fakes, and a log that is kept. */
export function scratchOptions() {
  const fake = new FakeOperations()
  const events = new Events()
  const clock = new FakeClock()
  const metrics = new FakeScraped()
  const logged: { level: string; message: string; fields: Readonly<Record<string, string>> }[] = []
  const keep =
    (level: string): Log['warn'] =>
    (message, fields) =>
      void logged.push({ level, message, fields })
  const log = { warn: keep('warn'), error: keep('error') }
  const operations = () => fake.operations
  const options = { operations, events, clock, metrics, log, auditHead: () => '7:abc' }
  return { options, fake, events, clock, metrics, logged }
}

/** The app on fakes; as it is over the unix socket unless `tcp` is given. */
export function scratchApp(tcp?: TcpOptions) {
  const scratch = scratchOptions()
  return { ...scratch, app: createApp(scratch.options, tcp) }
}
