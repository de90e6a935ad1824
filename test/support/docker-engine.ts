import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The one image of the engine: busybox, and the program below. */
export const image = 'scratch'

/**
 * What containers run: tells of every start and of the signals that come, and leaves at once when it is
 * stopped. Where `/gate/only` says so, no other token is good enough to start with.
 */
const program = `#!/bin/sh
trap 'echo got USR1' USR1
trap 'exit 0' TERM
[ -e /gate/only ] && [ "$TOKEN" != "$(cat /gate/only)" ] && exit 1
echo started
while :; do sleep 1000 & wait $!; done
`

/**
 * In namespaces of its own, and with what Docker writes at fixed places on layers of its own. The shell
 * is the namespace's first process: when its input ends, or with the death of the tests, all else ends.
 */
const inside = `set -e
for place in etc opt run; do
  mkdir -p "layers/$place/upper" "layers/$place/work"
  mount -t overlay -o "lowerdir=/$place,upperdir=layers/$place/upper,workdir=layers/$place/work" overlay "/$place"
done
dockerd --config-file daemon.json </dev/null &
read _`

/**
 * A real Docker engine for tests: no network, no registry, everything below one temporary folder. Needs
 * root, dockerd and a static busybox: `needs('docker')`.
 */
export class DockerEngine {
  readonly folder: string
  readonly #cgroup: string
  readonly #first: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #before: unknown
  #log = ''

  private constructor(folder: string, cgroup: string) {
    this.folder = folder
    this.#cgroup = cgroup
    this.#before = this.#traces()
    const own = ['--net', '--mount', '--propagation', 'private', '--pid', '--mount-proc']
    this.#first = spawn('unshare', [...own, '--fork', '--kill-child', 'sh', '-c', inside], {
      cwd: folder,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    this.#exit = once(this.#first, 'exit')
  }

  /** Returns when it answers. */
  static async start(): Promise<DockerEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-dockerd-'))
    const cgroup = `rekeyd-tests-${randomUUID()}`
    await writeFile(join(folder, 'daemon.json'), JSON.stringify(settings(folder, cgroup)))
    const engine = new DockerEngine(folder, cgroup)
    try {
      await engine.#answers()
      await engine.#importImage()
    } catch (error) {
      await engine.stop()
      throw error
    }
    return engine
  }

  get socket(): string {
    return join(this.folder, 'docker.sock')
  }

  /** What dockerd logged, requests included. */
  get log(): string {
    return this.#log
  }

  /** Runs Docker's own client; returns what it printed, without the last line's end. */
  async docker(...args: readonly string[]): Promise<string> {
    const { stdout } = await execute('docker', args, { env: this.environment })
    return stdout.trimEnd()
  }

  /** For clients: this engine and no settings of the user's. */
  get environment(): { PATH: string; HOME: string; DOCKER_HOST: string } {
    const path = process.env['PATH'] ?? ''
    return { PATH: path, HOME: this.folder, DOCKER_HOST: `unix://${this.socket}` }
  }

  /** Starts a container of the image, and returns when its program is ready. */
  async run(name: string, ...flags: readonly string[]): Promise<void> {
    await this.docker('run', '-d', '--network', 'none', '--name', name, ...flags, image)
    await this.says(name, 'started')
  }

  /** Waits until a container has printed the line `times` times since it was made, or ends. */
  async says(name: string, line: string, times = 1): Promise<void> {
    await this.#follow(['logs', '-f', name], line, times)
  }

  /** Waits until a container has been started `times` times, by whomever. */
  async isStarted(name: string, times: number): Promise<void> {
    const filters = ['--filter', `container=${name}`, '--filter', 'event=start']
    await this.#follow(
      ['events', '--since', '1', ...filters, '--format', '{{.Action}}'],
      'start',
      times,
    )
  }

  async #follow(args: readonly string[], line: string, times: number): Promise<void> {
    const client = spawn('docker', args, {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    })
    let seen = 0
    for await (const said of createInterface(client.stdout)) {
      if (said === line) seen += 1
      if (seen === times) break
    }
    client.kill()
    assert.equal(seen, times, `docker ${args.join(' ')} says "${line}"`)
  }

  /** `running`, `exited`, `paused`, … */
  async stateOf(name: string): Promise<string> {
    return this.docker('inspect', '-f', '{{.State.Status}}', name)
  }

  /** When it was last started: changes with every restart and nothing else. */
  async startOf(name: string): Promise<string> {
    return this.docker('inspect', '-f', '{{.State.StartedAt}}', name)
  }

  /** Ends it with all its containers, and proves that it left nothing on the host. */
  async stop(): Promise<void> {
    this.#first.stdin?.end()
    await this.#exit
    for (const cgroup of this.#cgroups()) rmdirSync(cgroup)
    await rm(this.folder, { recursive: true })
    assert.deepEqual(this.#traces(), this.#before)
  }

  /** dockerd has no other way to tell: it does not notify without systemd. */
  async #answers(): Promise<void> {
    const { stderr } = this.#first
    if (!stderr) throw new Error('no stderr')
    await new Promise<void>((resolve, reject) => {
      stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
        if (this.#log.includes('API listen on')) resolve()
      })
      const failed = () => reject(new Error(`dockerd does not start: ${this.#log.slice(-2_000)}`))
      stderr.once('end', failed)
      setTimeout(failed, 30_000).unref()
    })
  }

  async #importImage(): Promise<void> {
    const root = join(this.folder, 'root')
    for (const folder of ['bin', 'tmp', 'etc']) mkdirSync(join(root, folder), { recursive: true })
    cpSync('/bin/busybox', join(root, 'bin/busybox'))
    for (const name of ['sh', 'sleep', 'cat', 'env', 'kill']) {
      await symlink('busybox', join(root, 'bin', name))
    }
    await writeFile(join(root, 'bin/app'), program, { mode: 0o755 })
    const archive = join(this.folder, 'root.tar')
    await execute('tar', ['-C', root, '-cf', archive, '.'])
    await this.docker('import', '--change', 'CMD ["app"]', archive, image)
  }

  /** The engine's and its containers', innermost first. */
  #cgroups(): string[] {
    const trees = [`/sys/fs/cgroup/${this.#cgroup}/**/`, `/sys/fs/cgroup/*/${this.#cgroup}/**/`]
    return globSync(trees).toSorted((a, b) => b.length - a.length)
  }

  /** What an engine could leave on the host beside its folder. */
  #traces(): unknown {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    return {
      mounts: mounts.filter((line) => line.includes(this.folder)),
      cgroups: this.#cgroups(),
      interfaces: readdirSync('/sys/class/net'),
      rules: packetFilter(),
      places: globSync(
        [
          '/etc/docker',
          '/opt/containerd',
          '/run/{docker,containerd}',
          '/var/lib/{docker,containerd}',
        ].flatMap((place) => [place, `${place}/*`]),
      ).toSorted(),
    }
  }
}

/** Limits, because the right to exceed those of the tests may be missing. */
function settings(folder: string, cgroup: string) {
  const limit = (name: string, value: number) => ({ Name: name, Soft: value, Hard: value })
  return {
    'data-root': join(folder, 'data'),
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'dockerd.pid'),
    hosts: [`unix://${join(folder, 'docker.sock')}`],
    bridge: 'none',
    iptables: false,
    ip6tables: false,
    'cgroup-parent': `/${cgroup}`,
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'default-ulimits': { nofile: limit('nofile', 1024), nproc: limit('nproc', 1000) },
    debug: true,
  }
}

/** The host's rules without comments and counters. */
function packetFilter(): string[] {
  const rules = execFileSync('iptables-save', {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return rules.split('\n').flatMap((line) => (line.startsWith('#') ? [] : line.replace(/\[.*/, '')))
}
