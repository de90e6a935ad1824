import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps the state of one unit in files beside it. `deny` makes a verb fail the way polkit does, `fail` like a
 * job that fails, and `linger` has the next `show` find the unit still stopping.
 */
const program = `#!/bin/sh
here=\${0%/*}
echo "$*" >>"$here/calls"
/usr/bin/env >"$here/environment"
verb=
for word; do case $word in -*) ;; *) verb=\${verb:-$word} ;; esac; done
if [ -e "$here/deny-$verb" ]; then
  echo "Failed to $verb $unit: Interactive authentication required." >&2
  exit 1
fi
[ -e "$here/fail-$verb" ] && exit 1
case $verb in
  show)
    active=$(cat "$here/active")
    if [ -e "$here/linger" ]; then active=deactivating; rm "$here/linger"; fi
    if [ -e "$here/flap" ]; then date +%s%N >"$here/invocation"; fi
    echo "LoadState=$(cat "$here/load")"
    echo "ActiveState=$active"
    echo SubState=running
    echo "Result=$(cat "$here/result")"
    echo "InvocationID=$(cat "$here/invocation")"
    cat "$here/properties" ;;
  start | restart) echo active >"$here/active"; echo success >"$here/result" ;;
  stop) [ -e "$here/trigger" ] || echo inactive >"$here/active" ;;
esac
exit 0
`

type Mode = 'linger' | 'flap' | 'trigger' | `deny-${string}` | `fail-${string}`

/** A systemctl that talks to nobody. */
export class FakeSystemctl {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
    const state = {
      active: 'active',
      load: 'loaded',
      result: 'success',
      invocation: '1',
      calls: '',
      properties: '',
    }
    for (const [name, value] of Object.entries(state)) this.set(name, value)
  }

  static async create(): Promise<FakeSystemctl> {
    const fake = new FakeSystemctl(await mkdtemp(join(tmpdir(), 'rekeyd-systemctl-')))
    await writeFile(fake.path, program, { mode: 0o700 })
    return fake
  }

  get path(): string {
    return join(this.folder, 'systemctl')
  }

  set(name: string, value: string): void {
    writeFileSync(join(this.folder, name), `${value}\n`)
  }

  mode(name: Mode): void {
    this.set(name, '')
  }

  get active(): string {
    return readFileSync(join(this.folder, 'active'), 'utf8').trim()
  }

  get environment(): string {
    return readFileSync(join(this.folder, 'environment'), 'utf8')
  }

  /** The argument lists since the last time, without the questions. */
  takeCalls(): string[] {
    const file = join(this.folder, 'calls')
    const calls = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    rmSync(file, { force: true })
    return calls.filter((call) => call !== '' && !call.includes(' show '))
  }

  dispose(): Promise<void> {
    return rm(this.folder, { recursive: true })
  }
}
