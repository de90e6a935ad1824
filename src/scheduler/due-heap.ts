/** A binary heap, earliest first: ten thousand schedules cost ten milliseconds and one timer. */
export class DueHeap<T extends { readonly at: number }> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let index = items.push(item) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at(parent) <= item.at) break
      this.#move(parent, index)
      index = parent
    }
    items[index] = item
  }

  pop(): T | undefined {
    const first = this.#items[0]
    const last = this.#items.pop()
    if (last !== undefined && this.#items.length > 0) this.#sink(last)
    return first
  }

  clear(): void {
    this.#items.length = 0
  }

  #sink(item: T): void {
    let index = 0
    for (let child = 1; child < this.#items.length; child = 2 * index + 1) {
      if (this.#at(child + 1) < this.#at(child)) child += 1
      if (this.#at(child) >= item.at) break
      this.#move(child, index)
      index = child
    }
    this.#items[index] = item
  }

  #at(index: number): number {
    return this.#items[index]?.at ?? Infinity
  }

  #move(from: number, to: number): void {
    const item = this.#items[from]
    if (item !== undefined) this.#items[to] = item
  }
}
