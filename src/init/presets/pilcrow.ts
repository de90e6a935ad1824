import type { Draft, Preset } from '../preset.ts'
import { findRunners, type Runner, runnerOf } from '../runner.ts'
import { flow } from '../yaml-flow.ts'

const unitName = 'pilcrow.service'
const rotateUnit = 'pilcrow-rotate-vapid.service'
const usualPort = '64209'

/** Pilcrow makes and rotates its VAPID key by itself: rekeyd looks on, and can make it do so. */
export const pilcrow: Preset = {
  summary: 'Pilcrow: the VAPID key, which it rotates by itself',
  looksFor: `${unitName} in the folders of units, or a unit that runs a program called pilcrow`,
  async survey(host) {
    const runner = runnerOf(await findRunners(host), unitName, /^pilcrow$/)
    if (!runner?.unit || runner.command.length === 0) return undefined
    return draftOf(runner)
  },
}

function draftOf(runner: Runner): Draft {
  const { address, port } = listening(runner.command)
  const observe = flow({
    http: `http://${address}:${port ?? usualPort}/api/boot`,
    pointer: '/vapid/key',
  })
  const guess = port === undefined ? ` # ${usualPort} is a guess` : ''
  return {
    found: [{ what: runner.what, where: runner.where }],
    unknown: [
      ...(port === undefined
        ? [`the port that Pilcrow listens on: ${usualPort} is assumed; correct it in \`observe\``]
        : []),
      'whether /api/boot wants a login on this server: then `observe: { command: [PROGRAM] }` shows the key',
    ],
    consumers: [],
    materials: [
      {
        name: 'pilcrow-vapid',
        about: [
          'Pilcrow rotates; rekeyd archives each public key, and alerts when none came.',
          `\`rekeyd rotate\` and a leak start ${rotateUnit}: \`systemctl link\` the file beside this one once.`,
        ],
        kind: 'consumer-made',
        rotate: { expect: '30d', grace: '3d' },
        lines: [
          `trigger: ${flow({ systemd: rotateUnit })}`,
          `observe: ${observe}${guess}`,
          'impact: Every browser has to subscribe to notifications again.',
        ],
      },
    ],
    files: [{ name: rotateUnit, text: oneshot(runner) }],
  }
}

/** The options of the running server, which `rotate-vapid-key` wants, too. */
function oneshot({ command, user, what }: Runner): string {
  const words = command.filter((word) => word !== 'serve' && word !== 'run')
  return [
    `# Makes Pilcrow replace its VAPID key, as the user and with the options of ${what}.`,
    '[Unit]',
    'Description=Replace the VAPID key of Pilcrow',
    '[Service]',
    'Type=oneshot',
    ...(user === undefined ? [] : [`User=${user}`]),
    'UMask=0077',
    `ExecStart=${[...words, 'rotate-vapid-key'].map(quoted).join(' ')}`,
    '',
  ].join('\n')
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`
}

function listening(command: readonly string[]) {
  const option = (...names: readonly string[]) => {
    const at = command.findIndex((word) =>
      names.some((name) => word === name || word.startsWith(`${name}=`)),
    )
    const word = command[at] ?? ''
    return word.includes('=') ? word.slice(word.indexOf('=') + 1) : command[at + 1]
  }
  const has = (...names: readonly string[]) =>
    command.some((word) => names.includes(word.split('=')[0] ?? ''))
  const port = has('--port', '-p') ? option('--port', '-p') : undefined
  const address = has('--address', '-a') ? option('--address', '-a') : undefined
  const local = address === undefined || ['0.0.0.0', '::', 'localhost'].includes(address)
  return {
    address: local ? '127.0.0.1' : address.includes(':') ? `[${address}]` : address,
    port: port !== undefined && /^\d{1,5}$/.test(port) ? port : undefined,
  }
}
