import { connect } from 'node:net'
import type { Host } from './host.ts'

const socket = '/var/run/docker.sock'
const label = 'com.docker.compose.project.working_dir'

/**
 * Folders of the Compose projects that the Docker engine runs. It is only asked for the list, and only where its
 * socket lies in the host that is looked at.
 */
export async function projectFolders(host: Host): Promise<readonly string[]> {
  if (!host.stats(socket)?.isSocket()) return []
  const path = host.here(socket)
  if (!(await answers(path))) {
    host.complain(socket, 'does not answer, or may not be asked by this user')
    return []
  }
  const { DockerEngine } = await import('../consumers/docker/engine.ts')
  try {
    const all = await new DockerEngine(path).containers({}, AbortSignal.timeout(5_000))
    const folders = all.flatMap(({ labels }) => labels[label] ?? [])
    return [...new Set(folders.filter((folder) => folder.startsWith('/')))].toSorted()
  } catch {
    host.complain(socket, 'does not answer as a Docker engine does')
    return []
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path)
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })
}
