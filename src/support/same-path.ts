import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'

/** Whether two paths lead to the same place. One that leads nowhere yet is compared as it is written. */
export function isSamePath(one: string, other: string): boolean {
  return one === other || real(one) === real(other)
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
