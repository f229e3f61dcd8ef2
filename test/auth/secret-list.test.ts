import t from 'tap'
import { SecretList } from '../../src/auth/secret-list.js'
import { AUTH_SECRET_COUNT_MAX } from '../../src/limits/turn.js'

t.test('the list of secrets', async (t) => {
  const followed = () => {
    const list = new SecretList()
    const heard: string[] = []
    const end = list.onChanged((secrets, { addedCount, removedCount }) => {
      heard.push(`${secrets.join(' ')} +${addedCount} -${removedCount}`)
    })
    return { list, heard, end }
  }

  t.test('joins those of options, file and Redis, each once, whoever comes first', async (t) => {
    const { list, heard } = followed()
    await list.set('redis', ['east', 'north'])
    await list.set('file', ['south'])
    await list.set('options', ['north'])
    t.same(list.all(), ['north', 'south', 'east'])
    t.same(list.of('redis'), ['east', 'north'])
    t.same(heard, ['east north +2 -0', 'south east north +1 -0', 'north south east +0 -0'])
  })

  t.test('tells followers of another list only, until they have heard enough', async (t) => {
    const { end, heard, list } = followed()
    await list.set('file', ['north'])
    await list.set('file', ['north'])
    await list.set('redis', ['north'])
    t.same(heard, ['north +1 -0'])
    await list.change({ options: ['north'], file: [], redis: [] })
    t.same(heard, ['north +1 -0'], 'a secret that moves was never away')
    end()
    await list.set('options', [])
    t.equal(heard.length, 1)
    t.same(list.all(), [])
  })

  t.test('resolves when every follower knows', async (t) => {
    const list = new SecretList()
    let tell = () => {}
    list.onChanged(() => new Promise<void>((resolve) => (tell = resolve)))
    let isKnown = false
    const known = list.set('file', ['north']).then(() => (isKnown = true))
    await new Promise(setImmediate)
    t.equal(isKnown, false)
    tell()
    await known
    t.equal(isKnown, true)
  })

  t.test(`counts ${AUTH_SECRET_COUNT_MAX} secrets, and says how many do not`, async (t) => {
    const { list } = followed()
    const secrets = Array.from({ length: AUTH_SECRET_COUNT_MAX + 2 }, (_, index) => `secret ${index}`)
    await list.set('file', secrets.slice(0, AUTH_SECRET_COUNT_MAX))
    t.equal(list.omittedCount, 0)
    await list.set('file', secrets)
    t.same(list.all(), secrets.slice(0, AUTH_SECRET_COUNT_MAX))
    t.equal(list.omittedCount, 2)
  })
})
