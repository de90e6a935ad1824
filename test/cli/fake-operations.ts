import { containersOf, endangeredBy } from '../../src/operations/endangered.ts'
import type { Caller, Operations } from '../../src/operations/operations.ts'
import type { DoctorView } from '../../src/operations/outlook.ts'
import type {
  Acceptance,
  CompromiseOptions,
  MaterialView,
  RollbackOptions,
  RotationView,
  StatusView,
  TokenChange,
} from '../../src/operations/views.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

/** What the fake daemon was asked to do, for a test to look at. */
export interface Asked {
  readonly what: string
  readonly caller?: Caller
  readonly with: readonly unknown[]
}

const fingerprint = `sha256:${'ab'.repeat(32)}`

/**
 * A host with a material for each thing that a command can meet. Its clock stands at 2027-01-01T00:00Z.
 *
 * - `vapid` rotates well · `chat-tls` is out of its window · `auth-token` breaks clients
 * - `db-key` is rolled back · `broken` needs attention · `failing` fails · `unproved` has no verifier
 */
export class FakeOperations implements Operations {
  readonly asked: Asked[] = []
  readonly materials: MaterialView[]

  constructor(materials: readonly MaterialView[] = hostMaterials) {
    this.materials = [...materials]
  }

  async status(): Promise<StatusView> {
    return {
      schema_version: 1,
      version: '0.1.0',
      mode: 'rotate',
      daemon: true,
      pid: 4711,
      started: '2026-12-31T21:00:00.000Z',
      paths: { state_dir: '/var/lib/rekeyd' },
      clock: { suspect: false },
      audit_head: '7:abc',
      materials: this.materials,
    }
  }

  async material(name: string) {
    const found = this.materials.find((material) => material.name === name)
    if (found) return { ...found, ...countOf(found) }
    throw new OperatorError(`there is no material ${name}`, {
      kind: 'not-found',
      hint: `the configured ones are ${this.materials.map(({ name }) => name).join(', ')}`,
    })
  }

  async backup(to = '/var/backups/rekeyd', caller: Caller) {
    this.#note('backup', caller, to)
    const path = `${to}/rekeyd-20270101T000000Z.age`
    return { path, bytes: 61_440, made: '2027-01-01T00:00:00.000Z' }
  }

  async tokenChanged(change: TokenChange, caller: Caller) {
    this.#note('tokenChanged', caller, change)
  }

  async testNotices(channel: string | undefined) {
    this.#note('testNotices', undefined, channel)
    const results = [
      { channel: 'ntfy', ok: true, seconds: 0.12 },
      {
        channel: 'webhook',
        ok: false,
        seconds: 10,
        error: 'hooks.example.com answers 302',
        hint: 'redirects are not followed: name where it leads',
      },
    ]
    const chosen = results.filter((one) => channel === undefined || one.channel === channel)
    if (chosen.length > 0) return chosen
    throw new OperatorError(`there is no channel ${channel}`, {
      kind: 'usage',
      hint: 'the configured ones are ntfy, webhook',
    })
  }

  async plan(days: number) {
    this.#note('plan', undefined, days)
    return [
      {
        at: '2027-01-03T03:00:00.000Z',
        material: 'chat-tls',
        action: 'rotate' as const,
        window: 'night',
        consumers: ['chat-server'],
      },
      {
        at: '2027-01-31T00:00:00.000Z',
        material: 'vapid',
        action: 'end-overlap' as const,
        consumers: [],
        note: 'version 3',
      },
    ]
  }

  async startRotation(name: string, options: object, caller: Caller) {
    this.#note('rotate', caller, name, options)
    const { refused } = await this.dryRun(name, options)
    if (refused) throw new OperatorError(refused.reason, { kind: 'refused', hint: refused.hint })
    return { id: `r-${name}` }
  }

  async wait(id: string) {
    return rotationOf(id.replace('r-', ''))
  }

  async rotation(id: string) {
    if (!id.startsWith('r-')) {
      throw new OperatorError(`there is no rotation ${id}`, { kind: 'not-found' })
    }
    return rotationOf(id.replace('r-', ''))
  }

  async dryRun(name: string, options: { now?: boolean; accept_impact?: string }) {
    const material = await this.material(name)
    const { impact, window } = material
    const breaks = impact !== undefined && options.accept_impact !== name
    const closed = window !== undefined && !options.now
    return {
      schema_version: 1 as const,
      material: name,
      steps: ['make the next version', 'switch /etc/chat/key'],
      consumers: [
        {
          consumer: 'chat-server',
          verb: 'restart' as const,
          usual_seconds: 2.1,
          at_most_seconds: 150,
        },
      ],
      next_rotation: '2027-01-31T00:00:00.000Z',
      due_again: '2027-02-01T00:00:00.000Z',
      ...(impact !== undefined && { impact }),
      ...countOf(material),
      ...(window !== undefined && { window }),
      ...(breaks && { refused: { reason: `it breaks clients`, hint: `--accept-impact=${name}` } }),
      ...(!breaks && closed && { refused: { reason: 'the window is closed', hint: '--now' } }),
    }
  }

  async rehearse(name: string, caller: Caller) {
    this.#note('rehearse', caller, (await this.material(name)).name)
    const failed = name === 'failing'
    return {
      schema_version: 1 as const,
      material: name,
      ok: !failed,
      steps: [
        failed
          ? {
              name: 'check',
              subject: '/etc/chat/env TOKEN',
              outcome: 'failed' as const,
              detail: 'the folder is read-only',
              seconds: 0,
            }
          : {
              name: 'generate',
              outcome: 'done' as const,
              detail: 'made, and not kept',
              seconds: 1.2,
            },
        {
          name: 'resume',
          subject: 'chat-server',
          outcome: 'not_exercised' as const,
          detail: 'restart',
        },
      ],
    }
  }

  findings: DoctorView['findings'] = [
    {
      level: 'failure',
      check: 'readable-by-consumer',
      material: 'chat-tls',
      consumer: 'chat-server',
      place: '/srv/chat/key.pem',
      message: 'qpc, as whom it is read, may not pass /srv/chat',
      hint: 'chmod +x /srv/chat for qpc, or use another folder',
    },
    {
      level: 'warning',
      check: 'recovery',
      message: 'nobody could open a backup',
      hint: 'set `recovery`',
    },
    { level: 'ok', check: 'clock', message: 'is plausible' },
  ]

  async doctor(): Promise<DoctorView> {
    const { findings } = this
    const ok = !findings.some(({ level }) => level === 'failure')
    return { schema_version: 1, ok, user: 'rekeyd', daemon: true, findings }
  }

  async rotateDue(caller: Caller) {
    this.#note('rotateDue', caller)
    return this.materials.filter(({ state }) => state === 'due').map(({ name }) => rotationOf(name))
  }

  async rollback(name: string, options: RollbackOptions, caller: Caller) {
    this.#note('rollback', caller, name, options)
    await this.#refuseImpact(name, options)
    return rotationOf(name)
  }

  async endOverlap(name: string, options: Acceptance, caller: Caller) {
    this.#note('endOverlap', caller, name, options)
    const material = await this.#refuseImpact(name, options)
    return { ...rotationOf(material), changes: [{ material, from: 3 }] }
  }

  async pause(name: string | undefined, until: string | undefined, reason: string, caller: Caller) {
    this.#note('pause', caller, name, until, reason)
  }

  async resume(name: string | undefined, caller: Caller) {
    this.#note('resume', caller, name)
  }

  async approve(name: string, caller: Caller) {
    this.#note('approve', caller, (await this.material(name)).name)
  }

  async verify(name: string) {
    const ok = name === 'vapid'
    return {
      schema_version: 1 as const,
      material: name,
      targets: (await this.material(name)).targets,
      verifiers: [
        {
          type: 'http',
          subject: 'http://127.0.0.1/',
          answer: ok ? ('yes' as const) : ('no' as const),
          ...(!ok && { reason: 'it serves another one' }),
        },
      ],
      ok,
    }
  }

  async import(name: string, parts: readonly object[], options: Acceptance, caller: Caller) {
    this.#note('import', caller, name, parts, options)
    await this.#refuseImpact(name, options)
    return name === 'vapid' ? undefined : rotationOf(name)
  }

  async adopt(name: string, caller: Caller) {
    this.#note('adopt', caller, name)
    return { ...version(4), origin: 'adopted' as const }
  }

  async apply(name: string, options: Acceptance, caller: Caller) {
    this.#note('apply', caller, name, options)
    await this.#refuseImpact(name, options)
    return name === 'vapid' ? undefined : rotationOf(name)
  }

  async compromise(name: string, options: CompromiseOptions, caller: Caller) {
    this.#note('compromise', caller, name, options)
    await this.#refuseImpact(name, options)
    return {
      ...rotationOf(name),
      endangers: endangeredBy(name, this.materials),
      contained_in: containersOf(name, this.materials),
      elsewhere: ['backups made before now still contain it'],
      ...(options.purge && (name === 'vapid' ? { purged: 3 } : { purge_failed: 'read-only' })),
    }
  }

  async csr(name: string, caller: Caller) {
    this.#note('csr', caller, name)
    return '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n'
  }

  async reveal(
    name: string,
    which: number | 'next' | 'previous' | undefined,
    part: string | undefined,
    format: string | undefined,
    out: string,
    caller: Caller,
  ) {
    this.#note('reveal', caller, name, which, part, format, out)
    return { version: 3 }
  }

  async history(query: object) {
    this.#note('history', undefined, query)
    return [rotationOf('vapid'), rotationOf('db-key')]
  }

  async audit() {
    return []
  }

  async #refuseImpact(name: string, { accept_impact }: Acceptance): Promise<string> {
    const { impact } = await this.material(name)
    if (impact === undefined || accept_impact === name) return name
    throw new OperatorError(`this breaks clients of ${name}: ${impact}`, {
      kind: 'refused',
      hint: `--accept-impact=${name}`,
    })
  }

  #note(what: string, caller: Caller | undefined, ...rest: readonly unknown[]): void {
    this.asked.push({ what, with: rest, ...(caller && { caller }) })
  }
}

/** Whoever can be hit can be counted here. */
function countOf({ impact }: MaterialView) {
  return impact === undefined ? {} : { impact_count: { unit: 'users', count: 412 } }
}

function version(number: number) {
  return {
    version: number,
    state: 'active' as const,
    compromised: false,
    origin: 'generated' as const,
    fingerprint,
    attributes: {},
    created: '2026-12-02T00:00:00.000Z',
  }
}

/** A material in good order, with what is different about it. */
export function materialLike(different: Partial<MaterialView> & { name: string }): MaterialView {
  return {
    kind: 'token',
    state: 'idle',
    schedule: 'every 30d',
    next_rotation: '2027-01-31T00:00:00.000Z',
    last_rotation: '2026-12-02T00:00:00.000Z',
    consecutive_failures: 0,
    active: version(3),
    versions: [version(3)],
    targets: [
      { type: 'env', path: '/etc/chat/env', key: 'TOKEN', version: 'active', live: 'version 3' },
    ],
    consumers: ['chat-server'],
    drift: [],
    ...different,
  }
}

const hostMaterials = [
  materialLike({ name: 'vapid', kind: 'vapid' }),
  materialLike({ name: 'chat-tls', kind: 'tls', window: 'night' }),
  materialLike({ name: 'auth-token', impact: 'All sessions drop.' }),
  materialLike({
    name: 'db-key',
    kind: 'database-key',
    state: 'due',
    next_rotation: '2026-12-31T23:30:00.000Z',
    contains: ['auth-token'],
  }),
  materialLike({ name: 'broken', state: 'needs_attention', reason: 'nobody serves it' }),
  materialLike({
    name: 'failing',
    state: 'retrying',
    reason: 'failed twice',
    consecutive_failures: 2,
  }),
  materialLike({
    name: 'unproved',
    state: 'paused',
    paused: { reason: 'holiday', who: 'cli:eve' },
  }),
]

const results: Readonly<Record<string, Partial<RotationView>>> = {
  'db-key': { result: 'rolled_back', detail: 'the server did not start' },
  broken: { result: 'needs_attention', detail: 'nobody serves it' },
  failing: { result: 'failed', detail: 'the folder is read-only' },
  unproved: { result: 'applied_unproved' },
}

/** A rotation that has ended as the material's name says. */
export function rotationOf(material: string): RotationView {
  return {
    schema_version: 1,
    id: `r-${material}`,
    trigger: 'manual',
    actor: 'cli:eve',
    started: '2027-01-01T00:00:00.000Z',
    ended: '2027-01-01T00:00:03.000Z',
    result: 'succeeded',
    steps: [
      {
        name: 'generate',
        direction: 'forward',
        started: '2027-01-01T00:00:00.000Z',
        ended: '2027-01-01T00:00:01.000Z',
        outcome: 'done',
      },
      {
        name: 'resume',
        subject: 'chat-server',
        direction: results[material]?.result === 'rolled_back' ? 'back' : 'forward',
        started: '2027-01-01T00:00:01.000Z',
        ended: '2027-01-01T00:00:03.000Z',
        outcome: 'done',
      },
    ],
    changes: [{ material, from: 3, to: 4 }],
    ...results[material],
  }
}
