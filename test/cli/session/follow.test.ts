import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runCli } from '../../../src/cli/run-cli.ts'
import type { StepProgress } from '../../../src/model/rotation.ts'
import type { RotationView } from '../../../src/operations/views.ts'
import { FakeOperations, rotationOf } from '../fake-operations.ts'
import { FakeTerminal, fakeParts } from '../fake-terminal.ts'

const gigabyte = 1_000_000_000

function progress(done: number, doing = 're-encrypting'): StepProgress {
  const place = '/var/lib/quicprochat/qpc.db'
  const total = 3.4 * gigabyte
  return { step: 'activate', material: 'vapid', place, doing, done, total, unit: 'bytes' }
}

/** Shows a rotation at each look as one of `views`, and ends it after the last. */
class SlowOperations extends FakeOperations {
  readonly #views: RotationView[]
  readonly #over = Promise.withResolvers<void>()

  constructor(views: readonly RotationView[], isFollowed: boolean) {
    super()
    this.#views = [...views]
    if (!isFollowed) this.#over.resolve()
  }

  override async wait(id: string) {
    await this.#over.promise
    return super.wait(id)
  }

  override async rotation(id: string) {
    const view = this.#views.shift()
    if (this.#views.length === 0) this.#over.resolve()
    return view ?? super.rotation(id)
  }
}

function underWay(done: number, doing?: string): RotationView {
  const { ended: _, result: __, steps, ...rest } = rotationOf('vapid')
  return { ...rest, steps: steps.slice(0, 1), progress: progress(done, doing) }
}

const looks = [
  underWay(0),
  underWay(1.2 * gigabyte),
  underWay(1.2 * gigabyte),
  underWay(3.4 * gigabyte, 'proving'),
]

async function played(terminal: FakeTerminal): Promise<string> {
  const operations = new SlowOperations(looks, terminal.terminals.err)
  await runCli(['rotate', 'vapid'], terminal, fakeParts(operations))
  return terminal.stderr
}

describe('a long rotation that is followed', () => {
  it('shows on a terminal how far it is, in one line that is overwritten', async () => {
    const stderr = await played(
      new FakeTerminal({ terminal: true, environment: { NO_COLOR: '1' } }),
    )
    const [first, ...rest] = stderr.split('\n')
    assert.equal(first, '  done generate (1s)')
    assert.deepEqual(
      rest[0]?.split('\r').map((text) => text.trimEnd()),
      [
        '',
        're-encrypting qpc.db: 0.0 of 3.4 GB, 0 %',
        're-encrypting qpc.db: 1.2 of 3.4 GB, 35 %',
        'proving qpc.db (3.4 GB)',
        '',
        '  done resume chat-server (2s)',
      ],
    )
    assert.deepEqual(rest.slice(1), [''])
  })

  it('leaves nothing of a longer line behind a shorter one', async () => {
    const stderr = await played(new FakeTerminal({ terminal: true }))
    let shown = ''
    for (const text of (stderr.split('\n')[1] ?? '').split('\r')) {
      shown = text + shown.slice(text.length)
      if (text.startsWith('proving')) assert.equal(shown.trimEnd(), 'proving qpc.db (3.4 GB)')
    }
    assert.match(shown, /resume chat-server/)
  })

  it('shows nothing of it where stderr is no terminal', async () => {
    assert.equal(await played(new FakeTerminal()), '')
  })
})
