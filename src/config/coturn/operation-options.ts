// coturn's options about running it: logs, processes, its web page, its command line interface, metrics.
import { type CoturnOption, SWITCH, VALUE } from './row.js'

const LOG = 'the log goes to standard output in JSON lines: systemd keeps it (journalctl), or send it where you like'
const CLI = 'turnd why, the status page and its API take the place of the telnet interface'
const METRICS =
  'the metrics are on the status page: scrape /metrics of --admin-listen, from elsewhere with --metrics-token'
const PRIVILEGES =
  'turnd does not change its user: start it as that user (User= and Group= in a systemd unit), not as root'

export const OPERATION_OPTIONS: Readonly<Record<string, CoturnOption>> = {
  verbose: SWITCH.same('allocations and refusals are logged at the level info'),
  Verbose: SWITCH.to('log-level', 'debug', () => 'debug'),
  'log-min-level': VALUE.to('log-level', 'warning is warn', (level) => (level === 'warning' ? 'warn' : level)),
  'log-file': VALUE.ignored(LOG),
  'no-stdout-log': SWITCH.ignored(LOG),
  syslog: SWITCH.ignored(LOG),
  'syslog-facility': VALUE.ignored(LOG),
  'simple-log': SWITCH.ignored(LOG),
  'new-log-timestamp': SWITCH.ignored(LOG),
  'new-log-timestamp-format': VALUE.ignored(LOG),
  'log-binding': SWITCH.ignored('Binding requests are counted, not logged'),

  daemon: SWITCH.ignored('it runs in the foreground, as systemd and containers like it'),
  pidfile: VALUE.ignored('it runs in the foreground: the supervisor knows its process'),
  'proc-user': VALUE.needed(PRIVILEGES),
  'proc-group': VALUE.needed(PRIVILEGES),
  'drain-min-allocations': VALUE.ignored('SIGTERM drains until the last allocation ends, or --drain-timeout is over'),

  cli: SWITCH.ignored(CLI),
  'no-cli': SWITCH.same('there is no telnet interface'),
  'cli-ip': VALUE.ignored(CLI),
  'cli-port': VALUE.ignored(CLI),
  'cli-password': VALUE.ignored(CLI),
  'cli-max-output-sessions': VALUE.ignored(CLI),
  'web-admin': SWITCH.part('--admin-listen; its users are made with turnd user add --admin'),
  'web-admin-ip': VALUE.part('the address of --admin-listen, where web-admin is on'),
  'web-admin-port': VALUE.part('the port of --admin-listen, where web-admin is on'),
  'web-admin-listen-on-workers': SWITCH.ignored('the status page is at --admin-listen alone'),
  'no-http': SWITCH.ignored('the status page is at --admin-listen alone; none switches it off'),
  'acme-redirect': VALUE.ignored('--http-upstream passes HTTP requests at a tls: listener on to a web server'),
  'respond-http-unsupported': SWITCH.ignored(
    'HTTP at a tls: listener is answered with 404, or goes to --http-upstream',
  ),

  prometheus: SWITCH.needed(METRICS),
  'prometheus-port': VALUE.ignored(METRICS),
  'prometheus-address': VALUE.ignored(METRICS),
  'prometheus-path': VALUE.ignored(METRICS),
  'prometheus-username-labels': SWITCH.ignored('no metric has the name of a user'),
  'prometheus-tls': SWITCH.ignored(METRICS),
  'prometheus-cert': VALUE.ignored(METRICS),
  'prometheus-key': VALUE.ignored(METRICS),
  version: SWITCH.ignored('turnd --version prints it'),
}
