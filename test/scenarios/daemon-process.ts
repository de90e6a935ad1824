import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

const fromSources = join(import.meta.dirname, '../../bin/rekeyd.js')

/** `rekeyd run` as a process of its own, and its admin API as a program from outside sees it. */
export class DaemonProcess {
  readonly #socket: string
  readonly #child: ChildProcess

  private constructor(socket: string, child: ChildProcess) {
    this.#socket = socket
    this.#child = child
  }

  /** Starts it, and waits until it has ended whatever an earlier one left open. */
  static async start(
    config: string,
    socket: string,
    log: string,
    program = fromSources,
  ): Promise<DaemonProcess> {
    const output = openSync(log, 'a', 0o600)
    const argv = [program, 'run', '--config', config]
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', output, output],
      env: { PATH },
    })
    closeSync(output)
    const daemon = new DaemonProcess(socket, child)
    for (;;) {
      if (child.exitCode !== null)
        throw new Error(`the daemon ended with ${child.exitCode}: see ${log}`)
      const ready = daemon.ask('GET', '/readyz').then(
        () => true,
        () => false,
      )
      if (await ready) return daemon
      await pause(20)
    }
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the daemon did not start')
    return pid
  }

  /** @throws when the answer is no success */
  async ask<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const headers = body ? { 'content-type': 'application/json' } : {}
    const question = request({ socketPath: this.#socket, method, path, headers, agent: false })
    question.end(body && JSON.stringify(body))
    const [answer] = (await once(question, 'response')) as [IncomingMessage]
    const content = await json(answer)
    if (answer.statusCode === 200 || answer.statusCode === 202) return content as T
    throw new Error(`${method} ${path}: ${answer.statusCode} ${JSON.stringify(content)}`)
  }

  /** What the API answers that is no JSON: its metrics. */
  async read(path: string): Promise<string> {
    const question = request({ socketPath: this.#socket, path, agent: false })
    question.end()
    const [answer] = (await once(question, 'response')) as [IncomingMessage]
    return text(answer)
  }

  /** Resolves when it has ended, by whatever. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'exit')
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    await ended
  }
}
