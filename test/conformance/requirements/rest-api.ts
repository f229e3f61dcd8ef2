// The TURN REST API: names with a time, and passwords made of them (draft-uberti-behave-turn-rest-00).
import { must, open, ours, type RequirementList } from './requirement.js'

export const restApi: RequirementList = {
  name: 'rest-api',
  title: 'TURN REST API (draft-uberti-behave-turn-rest-00)',
  url: 'https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00',
  rows: [
    must('2.2', 'The password is base64(HMAC-SHA1(secret, name)).', [
      'auth/rest-secrets > TURN REST names > give the keys of base64(HMAC-SHA1(secret, name))',
      'auth/rest-secrets > TURN REST names > a known password',
    ]),
    must('2.2', 'The name is a time, a separator and a user; coturn’s order, the time last, is taken too.', [
      'auth/rest-secrets > TURN REST names',
    ]),
    must('2.2', 'A name is good until its time, and refused afterwards like a wrong password.', [
      'conformance/credentials > names and passwords > of the TURN REST API hold until their timestamp',
      'auth/indistinguishable > TURN REST names',
    ]),
    ours('2.2', 'An allocation outlives the time of its name, for who has the right key (ADR 7).', [
      'auth/authenticator > an expired TURN REST name (ADR 7)',
      'auth/rest-secrets > TURN REST names > an expired name that holds an allocation keeps its keys',
    ]),
    ours('2.2', 'Several secrets are valid at once, and rotate while the server runs; HMAC-SHA256 beside HMAC-SHA1.', [
      'auth/rest-secrets > other secrets and rules while it serves',
      'auth/rest-secrets > TURN REST names > have keys by HMAC-SHA256 as well, after those by HMAC-SHA1',
      'auth/password-algorithms > TURN REST names with several secrets',
    ]),
    ours('2.2', 'Names that live too long are refused (--auth-secret-lifetime-max).', [
      'auth/rest-secrets > TURN REST names > are refused further ahead than --auth-secret-lifetime-max',
    ]),
    ours('2.2', 'Quotas count by the user behind the name.', ['turn/account > the account of a TURN REST name']),
    must('2.1', 'Credentials are issued as JSON of username, password, ttl and uris.', [
      'commands/credentials > turnd credentials',
      'admin/credentials',
    ]),
    open(
      'MAY',
      '2.1',
      'The request names the service (`service=turn`) and an API key.',
      'not done: POST /api/v1/credentials with a bearer token is for TURN alone',
    ),
  ],
}
