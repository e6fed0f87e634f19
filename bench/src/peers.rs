//! The servers, each by the command that starts it on a port.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::identity::Identity;
use crate::process::{self, Server};

/// What the tables call this project.
pub const OURS: &str = "this project";

/// A server that may be installed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    XmlRpc,
    XmlRpcTls,
    JsonRpc,
    Jsonrpsee,
    FixedBody,
    Nginx,
    NginxTls,
    Dxr,
    Abyss,
    PythonXmlRpc,
    Text,
    Redis,
    PythonTcp,
    BareEpoll,
    BareUdp,
    Waiting,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Peer::XmlRpc | Peer::JsonRpc | Peer::Text => OURS,
            Peer::Jsonrpsee => "jsonrpsee",
            Peer::XmlRpcTls => "this project, TLS",
            Peer::FixedBody => "axum, fixed body",
            Peer::Nginx => "nginx, `return 200`",
            Peer::NginxTls => "nginx, `return 200`, TLS",
            Peer::Dxr => "dxr_server",
            Peer::Abyss => "xmlrpc-c Abyss",
            Peer::PythonXmlRpc => "Python SimpleXMLRPCServer",
            Peer::Redis => "Redis, inline `PING`",
            Peer::PythonTcp => "Python ThreadingTCPServer",
            Peer::Waiting => "a method that waits",
            Peer::BareEpoll => "bare epoll loop, in C",
            Peer::BareUdp => "bare loop, in C",
        }
    }

    pub fn speaks_tls(self) -> bool {
        matches!(self, Peer::XmlRpcTls | Peer::NginxTls)
    }

    /// Starts it; one that only gives bytes back gives `body_bytes` of them.
    pub fn start(self, body_bytes: usize) -> io::Result<Server> {
        let program = self.program().ok_or(io::ErrorKind::NotFound)?;
        let (addr, admin) = (process::free_addr()?, process::free_addr()?);
        let arguments = self.arguments(addr.port(), &admin.to_string(), body_bytes)?;
        Server::start(&program, arguments, [addr, admin])
    }

    /// Where its program is, if it is installed.
    pub fn program(self) -> Option<PathBuf> {
        let path = match self {
            Peer::XmlRpc | Peer::XmlRpcTls | Peer::JsonRpc => {
                bench().join("../target/release/xmlrpc-svc")
            }
            Peer::Text => bench().join("../target/release/tcp-command-svc"),
            Peer::FixedBody => bench().join("target/release/fixed_body"),
            Peer::Dxr => bench().join("target/release/dxr_peer"),
            Peer::Jsonrpsee => bench().join("target/release/jsonrpsee_peer"),
            Peer::Waiting => bench().join("target/release/waiting"),
            Peer::Abyss => bench().join("target/abyss"),
            Peer::BareEpoll => bench().join("target/bare_epoll"),
            Peer::BareUdp => bench().join("target/bare_udp"),
            Peer::Nginx | Peer::NginxTls => return in_path("nginx"),
            Peer::Redis => return in_path("redis-server"),
            Peer::PythonXmlRpc | Peer::PythonTcp => return in_path("python3"),
        };
        path.exists().then_some(path)
    }

    fn arguments(self, port: u16, admin: &str, body_bytes: usize) -> io::Result<Vec<String>> {
        let script = |name: &str| bench().join("peers").join(name).display().to_string();
        let words = match self {
            Peer::XmlRpc | Peer::JsonRpc => {
                xmlrpc_words(&format!("--listen 127.0.0.1:{port}"), admin)
            }
            Peer::XmlRpcTls => {
                let Identity { certificate, key } = Identity::create(&bench().join("target"))?;
                let tls = format!(
                    "--listen 127.0.0.1:0 --tls-listen 127.0.0.1:{port} --tls-cert {} --tls-key {}",
                    certificate.display(),
                    key.display(),
                );
                xmlrpc_words(&tls, admin)
            }
            Peer::Waiting => format!(
                "--listen 127.0.0.1:{port} --admin-listen {admin} --max-connections 30000 --max-calls 8"
            ),
            Peer::Text => {
                format!(
                    "--listen 127.0.0.1:{port} --udp-listen 127.0.0.1:{port} --udp-rate off \
                     --admin-listen {admin} --max-connections 30000"
                )
            }
            Peer::FixedBody => format!("{port} {body_bytes}"),
            Peer::Dxr | Peer::Jsonrpsee | Peer::Abyss | Peer::BareEpoll | Peer::BareUdp => {
                port.to_string()
            }
            Peer::PythonXmlRpc => format!("{} {port}", script("simple_xmlrpc.py")),
            Peer::PythonTcp => format!("{} {port}", script("threading_tcp.py")),
            Peer::Redis => {
                // Protected, it turns away all but 127.0.0.1, and the load comes from its neighbours.
                format!(
                    "--port {port} --bind 127.0.0.1 --protected-mode no --appendonly no --daemonize no"
                )
            }
            Peer::Nginx => nginx_words(&format!("listen 127.0.0.1:{port};"), body_bytes)?,
            Peer::NginxTls => {
                let Identity { certificate, key } = Identity::create(&bench().join("target"))?;
                let tls = format!(
                    "listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3; ssl_certificate {}; ssl_certificate_key {};",
                    certificate.display(),
                    key.display(),
                );
                nginx_words(&tls, body_bytes)?
            }
        };
        Ok(words.split(' ').map(str::to_owned).collect())
    }
}

pub fn xmlrpc_words(listening: &str, admin: &str) -> String {
    format!(
        "--methods arithmetic,command,interop {listening} --admin-listen {admin} \
         --max-connections 30000 --header-deadline 10m"
    )
}

/// Writes what nginx needs to give `body_bytes` back from one process, and says where.
fn nginx_words(listening: &str, body_bytes: usize) -> io::Result<String> {
    let body = "x".repeat(body_bytes);
    nginx_serving(&format!("server {{ {listening} location / {{ return 200 \"{body}\"; }} }}"))
}

/// Writes what nginx needs to serve as `servers` say, from one process, and says where.
pub fn nginx_serving(servers: &str) -> io::Result<String> {
    let dir = bench().join("target");
    let path = dir.join("nginx.conf");
    let dir = dir.display();
    let text = format!(
        "user root; daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid;
         error_log stderr; events {{ worker_connections 2048; }}
         http {{
           access_log off; keepalive_requests 1000000000; client_max_body_size 8m;
           client_body_temp_path {dir}/nginx; proxy_temp_path {dir}/nginx; uwsgi_temp_path {dir}/nginx;
           fastcgi_temp_path {dir}/nginx; scgi_temp_path {dir}/nginx; default_type text/xml;
           {servers}
         }}"
    );
    fs::write(&path, text)?;
    Ok(format!("-e stderr -c {}", path.display()))
}

/// Where the benchmarks are.
pub fn bench() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Servers are often kept where only root looks.
    let dirs = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    dirs.map(|dir| dir.join(program)).find(|file| file.is_file())
}
