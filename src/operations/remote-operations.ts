import { resolve } from 'node:path'
import { askDaemon } from './ask-daemon.ts'
import type { Caller, Operations } from './operations.ts'
import type { DoctorView, RehearsalView } from './outlook.ts'
import type {
  Acceptance,
  AuditRow,
  BackupView,
  CompromiseOptions,
  CompromiseView,
  DryRun,
  ImportPart,
  MaterialView,
  NoticeTestView,
  PlanItem,
  RollbackOptions,
  RotateOptions,
  RotationView,
  StatusView,
  TokenChange,
  VerifyView,
  VersionView,
} from './views.ts'

export { reachable } from './ask-daemon.ts'

/** For a question that changes nothing, in milliseconds. */
const patience = 30_000
/** The daemon answers a long poll within 25 s. */
const pollPatience = 60_000
/** The largest page of history and audit that the daemon gives. */
const page = 500

type Body = Readonly<Record<string, unknown>>

/** Operations of a running daemon, over its unix socket: light enough for a CLI that starts for one question. */
export class RemoteOperations implements Operations {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  async status() {
    return this.#get<StatusView>('/v1/status')
  }

  async material(name: string) {
    return this.#get<MaterialView>(pathOf(name))
  }

  async plan(days: number) {
    const { items } = await this.#get<{ items: PlanItem[] }>('/v1/plan', { days })
    return items
  }

  async startRotation(name: string, options: RotateOptions, caller: Caller) {
    const { id } = await this.#post<{ id: string }>(pathOf(name, 'rotate'), caller, { ...options })
    return { id }
  }

  async wait(id: string, signal?: AbortSignal): Promise<RotationView> {
    const path = `/v1/rotations/${encodeURIComponent(id)}`
    for (;;) {
      signal?.throwIfAborted()
      const view = await this.#get<RotationView>(path, { wait: 1 }, pollPatience, signal)
      if (view.result !== undefined) return view
    }
  }

  async dryRun(name: string, options: RotateOptions) {
    const body = { ...options, dry_run: true }
    return this.#post<DryRun>(pathOf(name, 'rotate'), undefined, body)
  }

  async rehearse(name: string, caller: Caller) {
    return this.#post<RehearsalView>(pathOf(name, 'rotate'), caller, { rehearse: true })
  }

  async doctor() {
    return this.#post<DoctorView>('/v1/doctor')
  }

  async rotateDue(caller: Caller) {
    const { rotations } = await this.#post<{ rotations: RotationView[] }>('/v1/rotate-due', caller)
    return rotations
  }

  async rollback(name: string, options: RollbackOptions, caller: Caller) {
    return this.#post<RotationView>(pathOf(name, 'rollback'), caller, { ...options })
  }

  async endOverlap(name: string, options: Acceptance, caller: Caller) {
    return this.#post<RotationView>(pathOf(name, 'end-overlap'), caller, { ...options })
  }

  async pause(name: string | undefined, until: string | undefined, reason: string, caller: Caller) {
    const path = name === undefined ? '/v1/pause' : pathOf(name, 'pause')
    await this.#post(path, caller, { until, reason })
  }

  async resume(name: string | undefined, caller: Caller) {
    await this.#post(name === undefined ? '/v1/resume' : pathOf(name, 'resume'), caller)
  }

  async approve(name: string, caller: Caller) {
    await this.#post(pathOf(name, 'approve'), caller)
  }

  async verify(name: string) {
    return this.#post<VerifyView>(pathOf(name, 'verify'))
  }

  async import(name: string, parts: readonly ImportPart[], options: Acceptance, caller: Caller) {
    const absolute = parts.map(({ part, path }) => ({ part, path: resolve(path) }))
    const path = pathOf(name, 'import')
    return this.#post<RotationView | undefined>(path, caller, { parts: absolute, ...options })
  }

  async adopt(name: string, caller: Caller) {
    return this.#post<VersionView>(pathOf(name, 'adopt'), caller)
  }

  async apply(name: string, options: Acceptance, caller: Caller) {
    return this.#post<RotationView | undefined>(pathOf(name, 'apply'), caller, { ...options })
  }

  async compromise(name: string, options: CompromiseOptions, caller: Caller) {
    return this.#post<CompromiseView>(pathOf(name, 'compromise'), caller, { ...options })
  }

  async csr(name: string, caller: Caller) {
    const { csr } = await this.#post<{ csr: string }>(pathOf(name, 'csr'), caller)
    return csr
  }

  /** The daemon writes the file, as its own user; the value never comes over the socket. */
  async reveal(
    name: string,
    which: number | 'next' | 'previous' | undefined,
    part: string | undefined,
    format: string | undefined,
    out: string,
    caller: Caller,
  ) {
    const body = { version: which, part, format, out: resolve(out) }
    const { version } = await this.#post<{ version: number }>(pathOf(name, 'reveal'), caller, body)
    return { version }
  }

  async history({ material, limit, before }: Parameters<Operations['history']>[0]) {
    const found: RotationView[] = []
    let cursor = before
    while (found.length < limit) {
      const query = { material, limit: Math.min(page, limit - found.length), cursor }
      const answer = await this.#get<{ rotations: RotationView[]; next_cursor?: string }>(
        '/v1/rotations',
        query,
      )
      found.push(...answer.rotations)
      cursor = answer.next_cursor
      if (cursor === undefined) break
    }
    return found
  }

  async rotation(id: string) {
    return this.#get<RotationView>(`/v1/rotations/${encodeURIComponent(id)}`)
  }

  async audit(after: number, limit: number) {
    const found: AuditRow[] = []
    while (found.length < limit) {
      const wanted = Math.min(page, limit - found.length)
      const query = { after: found.at(-1)?.seq ?? after, limit: wanted }
      const { rows } = await this.#get<{ rows: AuditRow[] }>('/v1/audit', query)
      found.push(...rows)
      if (rows.length < wanted) break
    }
    return found
  }

  async tokenChanged(change: TokenChange, caller: Caller) {
    await this.#post('/v1/api-tokens/changes', caller, { ...change })
  }

  async backup(to: string | undefined, caller: Caller) {
    const body = { to: to === undefined ? undefined : resolve(to) }
    return this.#post<BackupView>('/v1/backup', caller, body)
  }

  async testNotices(channel: string | undefined) {
    const body = { channel }
    const answer = await this.#post<{ results: NoticeTestView[] }>(
      '/v1/notices/test',
      undefined,
      body,
    )
    return answer.results
  }

  async #get<T>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>> = {},
    limit = patience,
    signal?: AbortSignal,
  ): Promise<T> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value))
    }
    const full = search.size > 0 ? `${path}?${search.toString()}` : path
    const question = { method: 'GET', path: full, patience: limit } as const
    return (await askDaemon(this.#socketPath, { ...question, ...(signal && { signal }) })) as T
  }

  /** Takes as long as it takes: many of these wait for the end of a rotation. */
  async #post<T>(path: string, caller?: Caller, body: Body = {}): Promise<T> {
    const question = { method: 'POST', path, body, patience: 0 } as const
    return (await askDaemon(this.#socketPath, { ...question, ...(caller && { caller }) })) as T
  }
}

function pathOf(name: string, action?: string): string {
  const path = `/v1/materials/${encodeURIComponent(name)}`
  return action === undefined ? path : `${path}/${action}`
}
