import type { Mutant } from './mutant.ts'

/** Stopping and starting the right thing, and saying so only when it is true. */
export const consumers: readonly Mutant[] = [
  {
    name: 'container-with-a-longer-name-is-restarted',
    file: 'consumers/docker/docker.ts',
    find: 'compose ? belongsTo(one, compose) : one.name === container,',
    replace: 'compose ? belongsTo(one, compose) : one.name !== "",',
    tests: ['consumers/docker/docker'],
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
]
