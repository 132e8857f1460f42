"""lighttpd and Apache over plain HTTP, with the shipped configuration of the front end.

TLS would cost the candidates the same, and make the ratios look better."""

from contextlib import contextmanager

from process import free_port, running
from servers import start_server
from settings import ROOT, WEB


@contextmanager
def lighttpd(place, *lines):
    """Its process and where it listens."""
    port = free_port()
    config = place.work / "lighttpd.conf"
    config.write_text("\n".join((
        'server.bind = "127.0.0.1"', f"server.port = {port}",
        f'server.document-root = "{place.work}/web"',
        f'server.upload-dirs = ( "{place.work}/web" )',
        f'server.username = "{WEB.pw_name}"', f'server.groupname = "{WEB.pw_name}"',
        "server.max-keep-alive-requests = 1000000",
        f'include "{ROOT}/lighttpd-conf/ringspool-vars.conf"', *lines)) + "\n")
    with running(start_server(["lighttpd", "-D", "-f", config], place.work, port)) as server:
        yield server, f"http://127.0.0.1:{port}"


@contextmanager
def lighttpd_to_socket(place):
    lines = (f'var.ringspool_socket := "{place.socket}"',
             f'include "{ROOT}/lighttpd-conf/ringspool-fastcgi.conf"')
    with lighttpd(place, *lines) as (_, address):
        yield address + "/ringspool"


@contextmanager
def lighttpd_to_cgi(place, program, variables):
    """Its process, which is the parent of the program's, and the program's address."""
    pairs = ", ".join(f'"{name}" => "{value}"' for name, value in variables.items())
    lines = (f'var.ringspool_cgi := "{program}"', f"var.ringspool_environment := ( {pairs} )",
             f'include "{ROOT}/lighttpd-conf/ringspool-cgi.conf"')
    with lighttpd(place, *lines) as (server, address):
        yield server, address + "/cgi-bin/ringspool.cgi"


@contextmanager
def apache_to_socket(place):
    port, work = free_port(), place.work
    config = work / "apache.conf"
    modules = ("mpm_event", "authz_core", "proxy", "proxy_fcgi")
    config.write_text("\n".join((
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules),
        f"ServerRoot {work}", f"PidFile {work}/apache.pid", f"DefaultRuntimeDir {work}",
        f"ErrorLog {work}/apache-error.log", f"Mutex file:{work}", "ServerName localhost",
        f"Listen 127.0.0.1:{port}", f"User {WEB.pw_name}", f"Group #{WEB.pw_gid}",
        # Threads enough from the start: where all are busy, kept connections are closed.
        "ThreadLimit 128", "ServerLimit 1", "StartServers 1", "ThreadsPerChild 128",
        "MaxRequestWorkers 128", "MinSpareThreads 1", "MaxSpareThreads 128",
        "MaxKeepAliveRequests 0",
        f"Define RINGSPOOL_SOCKET {place.socket}",
        f"Include {ROOT}/apache-conf/ringspool-proxy-fcgi.conf")) + "\n")
    command = ["apache2", "-D", "FOREGROUND", "-f", config]
    with running(start_server(command, work, port)):
        yield f"http://127.0.0.1:{port}/ringspool"


TO_SOCKET = {"lighttpd": lighttpd_to_socket, "Apache": apache_to_socket}
