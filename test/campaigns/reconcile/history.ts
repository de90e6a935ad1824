import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { DaemonProcess } from '../../scenarios/daemon-process.ts'
import type { Host } from './host.ts'
import { materialOf } from './judge.ts'

/** What an older copy of the state directory knows: no open rotation, or one that goes forward, or back. */
export const copies = ['closed', 'forward', 'back'] as const
export type Copy = (typeof copies)[number]

/** At which a kill meets a rotation: after the switch, or on the way back. */
const moments = ['forward', 'back'] as const

/** What happened to a host before the mishap. */
export interface History {
  /** The material of the last rotation that ended; `before-last` is everything live before it. */
  readonly last: string
  /** What was marked as compromised, after every older copy was made. */
  readonly leaky: string
  readonly leaked: string
  /** The material of the rotation that a kill met, and in which direction; `before-kill` is from before it. */
  readonly killed: string
  readonly moment: (typeof moments)[number]
}

/** Adoption, some rotations and a leak; on the way the state directory is copied in every state that it may be in. */
export async function grow(host: Host): Promise<Pick<History, 'last' | 'leaky' | 'leaked'>> {
  const { random } = host
  const daemon = await host.start()
  host.noteValues()
  const leaky = random.pick(host.names)
  if (random.below(2) === 0) await rotate(host, daemon, random.pick(host.names))
  const older = join(host.folder, 'older-closed')
  mkdirSync(older)
  // By a process of its own while the daemon has it open: with its log, as a snapshot of the disk.
  execFileSync('cp', ['-a', host.state, `${host.state}.marker`, older])
  const others = host.names.filter((name) => name !== leaky)
  for (const copy of random.below(2) === 0 ? moments : moments.toReversed()) {
    await copyWithin(host, daemon, random.pick(others), copy)
  }
  const leaked = host.valueOf(leaky) ?? ''
  await daemon.ask('POST', `/v1/materials/${leaky}/compromise`, {})
  await replaced(daemon, leaky)
  host.noteValues()
  const last = random.pick(host.names)
  host.keepLive('before-last')
  await rotate(host, daemon, last)
  await host.stop()
  return { last, leaky, leaked }
}

/** A rotation that kill -9 meets. */
export async function killWithin(host: Host): Promise<Pick<History, 'killed' | 'moment'>> {
  const [killed, moment] = [host.random.pick(host.names), host.random.pick(moments)]
  const daemon = await host.start()
  host.keepLive('before-kill')
  if (moment === 'back') refuse(host, killed)
  writeFileSync(join(host.folder, 'kill-at'), moment === 'back' ? '2' : '1')
  daemon.ask('POST', `/v1/materials/${killed}/rotate`, {}).catch(() => {})
  await daemon.ended()
  await host.stop()
  return { killed, moment }
}

async function rotate(host: Host, daemon: DaemonProcess, name: string): Promise<void> {
  const { id } = await daemon.ask<{ id: string }>('POST', `/v1/materials/${name}/rotate`, {})
  await daemon.ask('GET', `/v1/rotations/${id}?wait=1`)
  host.noteValues()
}

/** With a rotation under way: after the switch, or on the way back from it. */
async function copyWithin(
  host: Host,
  daemon: DaemonProcess,
  name: string,
  copy: 'forward' | 'back',
): Promise<void> {
  if (copy === 'back') refuse(host, name)
  writeFileSync(join(host.folder, 'copy-to'), copy)
  writeFileSync(join(host.folder, 'copy-at'), copy === 'back' ? '2' : '1')
  await rotate(host, daemon, name)
  rmSync(join(host.folder, 'refuse'), { force: true })
}

/** Nothing but what is there is proved from now on. */
function refuse(host: Host, name: string): void {
  writeFileSync(join(host.folder, 'refuse'), host.valueOf(name) ?? '')
}

async function replaced(daemon: DaemonProcess, name: string): Promise<void> {
  for (;;) {
    const { active, state } = await materialOf(daemon, name)
    if (active && !active.compromised && state === 'idle') return
    await pause(50)
  }
}
