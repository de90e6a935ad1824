import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** The group of a program that writes its id beside itself; undefined when it never came to that. */
export function groupOf(program: string): number | undefined {
  try {
    return Number(readFileSync(`${program}.pid`, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

/** Whether nothing of it lives, after two seconds at most. */
export async function isGone(program: string): Promise<boolean> {
  const group = groupOf(program)
  if (group === undefined) return true
  for (let tries = 0; tries < 40; tries += 1) {
    if (members(group).length === 0) return true
    await pause(50)
  }
  return false
}

/** The processes of a group that live. */
export function members(group: number): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, , its] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(its) === group && state !== 'Z' && state !== 'X'
    } catch {
      return false
    }
  })
}
