/** What a member pays for. */
export type Tier = 'free' | 'pro'

/** Someone with an account. */
export interface Member {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly tier: Tier
}
