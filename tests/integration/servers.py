"""The real web servers, with the configuration as shipped.

Each server gets a main configuration of the test's own: where it listens, and
the values that the shipped files leave to the administrator. That main
configuration is a careless site's: old TLS versions, compression and long
security headers everywhere. What the shipped files promise must hold there.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import responder
from process import Program, accepts, free_port, logs, running
from settings import ROOT, WEB
from spool import Spool

LONG_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; " + "img-src https://images.example.com; " * 10,
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
}


@dataclass
class Site:
    """An endpoint that is being served."""
    port: int
    path: str               # of the endpoint's address
    spool: Spool
    work: Path
    speaks_http2: bool
    server: Program


def start_server(command, work, port, **options):
    server = Program(command, work / "server.log", **options)
    return server.ready(lambda: accepts(("127.0.0.1", port)))


# Apache

@contextmanager
def apache(place, front, path, mpm, modules, values, site_wide=()):
    port, work = free_port(), place.work
    modules = ["authz_core", "alias", "deflate", "env", "filter", "headers", "http2",
               "reqtimeout", "socache_shmcb", "ssl", f"mpm_{mpm}", *modules]
    values = {"RINGSPOOL_LISTEN": f"127.0.0.1:{port}", "RINGSPOOL_NAME": "localhost",
              "RINGSPOOL_CERTIFICATE": place.certificates.chain,
              "RINGSPOOL_KEY": place.certificates.key,
              "RINGSPOOL_FRONT": ROOT / "apache-conf" / front, **values}
    lines = [
        f"ServerRoot {work}", f"PidFile {work}/apache.pid", f"DefaultRuntimeDir {work}",
        f"ErrorLog {work}/apache-error.log", f"Mutex file:{work}", "ServerName localhost",
        f"Listen 127.0.0.1:{port}", f"User {WEB.pw_name}", f"Group #{WEB.pw_gid}",
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules),
        f"<IfModule cgid_module>\nScriptSock {work}/cgisock\n</IfModule>",
        "<IfModule fcgid_module>", f"FcgidIPCDir {work}/web",
        f"FcgidProcessTableFile {work}/fcgid_shm", "</IfModule>",
        "<Directory />\nRequire all denied\n</Directory>",
        "SSLProtocol all", "SSLCipherSuite ALL:@SECLEVEL=0", "SetOutputFilter DEFLATE",
        *(f'Header always set {name} "{value}"' for name, value in LONG_HEADERS.items()),
        *site_wide,
        *(f"Define {name} {value}" for name, value in values.items()),
        f"Include {ROOT}/apache-conf/ringspool-tls.conf",
    ]
    logs.add(work / "apache-error.log")
    config = work / "apache.conf"
    config.write_text("\n".join(lines) + "\n")
    command = ["apache2", "-D", "FOREGROUND", "-f", config]
    with running(start_server(command, work, port, umask=0o022)) as server:
        yield Site(port, path, place.spool, work, mpm != "prefork", server)


def apache_cgi(place, mpm, module, values, site_wide=()):
    return apache(place, "ringspool-cgi.conf", "/cgi-bin/ringspool.cgi", mpm, [module],
                  {"RINGSPOOL_CGI": place.cgi, **values}, site_wide)


def apache_mod_cgid(place):
    return apache_cgi(place, "event", "cgid", {"RINGSPOOL_CONFIG": place.config})


def apache_mod_cgi(place):
    return apache_cgi(place, "prefork", "cgi", {"RINGSPOOL_CONFIG": place.config})


def apache_set_env(place, variables):
    """Without a configuration file: settings by SetEnv alone."""
    return apache_cgi(place, "event", "cgid", {},
                      [f"SetEnv {name} {value}" for name, value in variables.items()])


def apache_to_socket(place):
    return apache(place, "ringspool-proxy-fcgi.conf", "/ringspool", "event",
                  ["proxy", "proxy_fcgi"], {"RINGSPOOL_SOCKET": place.socket})


@contextmanager
def apache_proxy_fcgi(place):
    with responder.listener(place.socket) as held:
        started = responder.on_standard_input(place, held)
        with running(started), apache_to_socket(place) as site:
            yield site


def apache_fcgid(place):
    return apache(place, "ringspool-fcgid.conf", "/ringspool", "event", ["fcgid"],
                  {"RINGSPOOL_FCGI": place.fcgi, "RINGSPOOL_CONFIG": place.config})


# lighttpd

@contextmanager
def lighttpd(place, front, path, values):
    port, work = free_port(), place.work
    values = {"listen": f'"127.0.0.1:{port}"', "certificate": f'"{place.certificates.chain}"',
              "key": f'"{place.certificates.key}"', **values}
    shipped = ROOT / "lighttpd-conf"
    lines = [
        'server.bind = "127.0.0.1"', f"server.port = {port}",
        f'server.document-root = "{work}/web"', f'server.upload-dirs = ( "{work}/web" )',
        f'server.username = "{WEB.pw_name}"', f'server.groupname = "{WEB.pw_name}"',
        # Debian's lighttpd.conf has mod_staticfile before what is included at its end.
        'server.modules = ( "mod_staticfile", "mod_openssl", "mod_deflate", "mod_setenv" )',
        'ssl.openssl.ssl-conf-cmd = ( "MinProtocol" => "TLSv1", "CipherString" => "ALL:@SECLEVEL=0" )',
        'deflate.allowed-encodings = ( "gzip" )', 'deflate.mimetypes = ( "application/json" )',
        f'include "{shipped}/ringspool-vars.conf"',
        *(f"var.ringspool_{name} := {value}" for name, value in values.items()),
        f'include "{shipped}/{front}"',
        f'include "{shipped}/ringspool-tls.conf"',
    ]
    config = work / "lighttpd.conf"
    config.write_text("\n".join(lines) + "\n")
    with running(start_server(["lighttpd", "-D", "-f", config], work, port)) as server:
        yield Site(port, path, place.spool, work, True, server)


def environment_value(place):
    return f'( "RINGSPOOL_CONFIG" => "{place.config}" )'


def lighttpd_cgi(place):
    return lighttpd(place, "ringspool-cgi.conf", "/cgi-bin/ringspool.cgi",
                    {"cgi": f'"{place.cgi}"', "environment": environment_value(place)})


def lighttpd_to_socket(place):
    return lighttpd(place, "ringspool-fastcgi.conf", "/ringspool",
                    {"socket": f'"{place.socket}"'})


@contextmanager
def lighttpd_fastcgi(place):
    started = responder.socket_activated(place)
    with running(started), lighttpd_to_socket(place) as site:
        yield site


def lighttpd_fastcgi_spawn(place):
    return lighttpd(place, "ringspool-fastcgi-spawn.conf", "/ringspool",
                    {"fcgi": f'"{place.fcgi}"',
                     "spawn_socket": f'"{place.work}/web/ringspool.sock"',
                     "environment": environment_value(place)})


@contextmanager
def lighttpd_spawn_fcgi(place):
    with responder.under_spawn_fcgi(place, 4), lighttpd_to_socket(place) as site:
        yield site


# nginx

@contextmanager
def nginx_to_socket(place, kept_connections=False):
    port, work = free_port(), place.work
    temporary = "".join(f"{kind}_temp_path {work}/nginx-{kind};\n"
                        for kind in ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
    headers = "".join(f'add_header {name} "{value}" always;\n'
                      for name, value in LONG_HEADERS.items())
    upstream, server = ("keepalive 8;", "fastcgi_keep_conn on;") if kept_connections else ("", "")
    config = work / "nginx.conf"
    config.write_text(f"""
daemon off;
user {WEB.pw_name};
pid {work}/nginx.pid;
error_log stderr;
worker_processes 2;
events {{ }}
http {{
    {temporary}{headers}
    access_log off;
    gzip on;
    gzip_min_length 0;
    gzip_types application/json;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
    ssl_ciphers ALL:@SECLEVEL=0;
    upstream ringspool {{ server unix:{place.socket}; {upstream} }}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name localhost;
        ssl_certificate {place.certificates.chain};
        ssl_certificate_key {place.certificates.key};
        {server}
        include {ROOT}/etc/nginx-ringspool.conf;
    }}
}}
""")
    with running(start_server(["nginx", "-e", "stderr", "-c", config], work, port)) as started:
        yield Site(port, "/ringspool", place.spool, work, True, started)


@contextmanager
def nginx_fastcgi(place):
    started = responder.with_own_socket(place)
    with running(started), nginx_to_socket(place) as site:
        yield site


COMBINATIONS = {
    "apache-mod_cgid": apache_mod_cgid,
    "apache-mod_cgi": apache_mod_cgi,
    "apache-mod_proxy_fcgi": apache_proxy_fcgi,
    "apache-mod_fcgid": apache_fcgid,
    "lighttpd-mod_cgi": lighttpd_cgi,
    "lighttpd-mod_fastcgi-external": lighttpd_fastcgi,
    "lighttpd-mod_fastcgi-bin-path": lighttpd_fastcgi_spawn,
    "nginx-fastcgi": nginx_fastcgi,
    "spawn-fcgi-4-processes": lighttpd_spawn_fcgi,
}
