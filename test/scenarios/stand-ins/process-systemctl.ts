import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How a unit is run: until it writes its pid file, or to its end. */
interface Run {
  readonly argv: readonly string[]
  readonly pidFile?: string
}

const program = `#!/bin/sh
here=\${0%/*}
verb= unit=
for word; do case $word in -*) ;; *) [ -z "$verb" ] && verb=$word || unit=$word ;; esac; done
[ -e "$here/$unit.run" ] || { [ "$verb" = show ] && echo LoadState=not-found; exit 0; }
pid() { cat "$(cat "$here/$unit.pid")" 2>/dev/null || echo 0; }
runs() { [ "$(pid)" != 0 ] && kill -0 "$(pid)" 2>/dev/null; }
start() {
  runs && return
  if [ ! -e "$here/$unit.pid" ]; then sh "$here/$unit.run" >>"$here/log" 2>&1 </dev/null; return; fi
  rm -f "$(cat "$here/$unit.pid")"
  setsid sh "$here/$unit.run" >>"$here/log" 2>&1 </dev/null &
  n=0; while ! runs && [ $n -lt 1000 ]; do sleep 0.05; n=$((n + 1)); done
}
stop() { runs && kill "$(pid)"; while runs; do sleep 0.05; done; }
case $verb in
  show)
    printf 'LoadState=loaded\\nSubState=running\\nResult=success\\n'
    if [ ! -e "$here/$unit.pid" ] || runs; then echo ActiveState=active; else echo ActiveState=inactive; fi
    echo "InvocationID=$(pid)" ;;
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
esac
`

/** A systemctl whose units are processes of this machine. */
export function processSystemctl(units: Readonly<Record<string, Run>>) {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-units-'))
  const path = join(folder, 'systemctl')
  writeFileSync(path, program, { mode: 0o700 })
  for (const [unit, { argv, pidFile }] of Object.entries(units)) {
    writeFileSync(join(folder, `${unit}.run`), `exec ${argv.map(quoted).join(' ')}\n`)
    if (pidFile !== undefined) writeFileSync(join(folder, `${unit}.pid`), pidFile)
  }
  return { path, log: join(folder, 'log'), remove: () => rmSync(folder, { recursive: true }) }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
