import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Subscriptions by endpoint, each with the id and the public part of its key, in a JSON file. */
export class Subscriptions {
  #path
  #entries

  constructor(path) {
    this.#path = path
    try {
      this.#entries = new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8'))))
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
      this.#entries = new Map()
    }
  }

  all() {
    return [...this.#entries.values()]
  }

  put(entry, replaces) {
    this.#entries.delete(replaces)
    this.#entries.set(entry.subscription.endpoint, entry)
    this.#save()
  }

  delete(endpoint) {
    if (this.#entries.delete(endpoint)) this.#save()
  }

  #save() {
    const text = JSON.stringify(Object.fromEntries(this.#entries), undefined, 2)
    writeFileSync(`${this.#path}.new`, text, { mode: 0o600 })
    renameSync(`${this.#path}.new`, this.#path)
  }
}
