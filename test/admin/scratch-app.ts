import { createApp } from '../../src/admin/app.ts'
import { Events } from '../../src/model/events.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { FakeOperations } from '../fakes/fake-operations.ts'
import { FakeScraped } from '../fakes/fake-scraped.ts'

/** The app on fakes, with a log that is kept. */
export function scratchApp() {
  const fake = new FakeOperations()
  const events = new Events()
  const clock = new FakeClock()
  const metrics = new FakeScraped()
  const logged: { message: string; fields: Readonly<Record<string, string>> }[] = []
  const app = createApp({
    operations: () => fake.operations,
    events,
    clock,
    metrics,
    log: (message, fields) => void logged.push({ message, fields }),
  })
  return { app, fake, events, clock, metrics, logged }
}
