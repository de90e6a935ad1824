import type { Mutant } from './mutant.ts'

/** Stopping and starting the right thing, and saying so only when it is true. */
export const consumers: readonly Mutant[] = [
  {
    name: 'stopping-unit-is-stopped',
    file: 'consumers/systemd.ts',
    find: "if (active === 'inactive' || active === 'failed') return",
    replace: "if (active !== 'active') return",
    tests: ['consumers/systemd'],
  },
  {
    name: 'unit-that-runs-again-is-stopped',
    file: 'consumers/systemd.ts',
    find: "      if (active === 'active') {",
    replace: "      if (active === 'active') return\n      if (active === 'reloading') {",
    tests: ['consumers/systemd'],
  },
  {
    name: 'failed-unit-is-not-forgiven',
    file: 'consumers/systemd.ts',
    find: `    await this.#forgive(signal)
    await commandUnit(this.#unit, 'start', signal)`,
    replace: "    await commandUnit(this.#unit, 'start', signal)",
    tests: ['consumers/systemd'],
  },
  {
    name: 'container-with-a-longer-name-is-restarted',
    file: 'consumers/docker/docker.ts',
    find: 'compose ? belongsTo(one, compose) : one.name === container,',
    replace: 'compose ? belongsTo(one, compose) : one.name !== "",',
    tests: ['consumers/docker/docker'],
  },
  {
    name: 'service-of-another-project-is-restarted',
    file: 'consumers/docker/compose.ts',
    find: 'return folder !== undefined && realPath(folder) === realPath(options.project_dir)',
    replace: 'return folder !== undefined',
    tests: ['consumers/docker/compose', 'consumers/docker/docker'],
  },
  {
    name: 'container-that-runs-again-is-stopped',
    file: 'consumers/docker/docker.ts',
    find: 'if (!awake) return',
    replace: 'if (!awake || awake) return',
    tests: ['consumers/docker/docker'],
  },
  {
    name: 'restarted-container-has-its-new-environment',
    file: 'consumers/docker/docker.ts',
    find: "return composed && startsAnew(verb) && verb !== 'restart'",
    replace: 'return startsAnew(verb)',
    tests: ['consumers/docker/docker'],
  },
  {
    name: 'process-of-somebody-else-is-stopped',
    file: 'consumers/running-process.ts',
    find: '(owner !== 0 && owner !== found.owner)',
    replace: '(owner < 0 && owner !== found.owner)',
    tests: ['consumers/process'],
  },
  {
    name: 'process-of-another-name-is-stopped',
    file: 'consumers/running-process.ts',
    find: 'if (name !== undefined && name !== found.name) throw',
    replace: 'if (name === "" && name !== found.name) throw',
    tests: ['consumers/process'],
  },
  {
    name: 'later-process-is-taken-for-the-stopped-one',
    file: 'consumers/running-process.ts',
    find: '(await lookUp(pid))?.started === found.started',
    replace: '(await lookUp(pid)) !== undefined',
    tests: ['consumers/process'],
  },
  {
    name: 'zombie-still-runs',
    file: 'consumers/running-process.ts',
    find: "if (state === 'Z' || state === 'X') return undefined",
    replace: "if (state === 'X') return undefined",
    tests: ['consumers/process'],
  },
  {
    name: 'process-that-does-not-end-is-not-killed',
    file: 'consumers/process.ts',
    find: "if (killed.aborted) sendSignal(running, 'SIGKILL')",
    replace: 'void killed',
    tests: ['consumers/process'],
  },
  {
    name: 'signal-takes-a-new-environment-up',
    file: 'consumers/picks-up.ts',
    find: "(place.reads === 'file' || place.reads === 'command')",
    replace: "place.reads !== 'database'",
    tests: ['consumers/systemd', 'consumers/process'],
  },
]
