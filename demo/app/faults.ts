/** Says which requests fail, so that of every hundred exactly so many do, evenly spread. */
export class Faults {
  private readonly percent: number;
  private seen = 0;

  constructor(percent: number) {
    this.percent = percent;
  }

  /** Whether the next request fails. */
  next(): boolean {
    const before = Math.floor((this.seen * this.percent) / 100);
    this.seen += 1;
    return Math.floor((this.seen * this.percent) / 100) > before;
  }
}
