/**
 * The format that `parseNginxLine` reads: `log_format deploy_bg escape=json '…';`. Every value is quoted, since nginx
 * writes `-` for what it does not know and `000` for a status that was never sent. It belongs where `$upstream_addr`
 * is the container's own address, so not in front of a relay.
 */
export const NGINX_LOG_FORMAT =
  '{"deploy_bg":"1","msec":"$msec","status":"$status","upstream":"$upstream_addr","header":"$upstream_header_time","request":"$request_time"}';
