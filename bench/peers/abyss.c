/* The peer xmlrpc-c, on its own HTTP server Abyss: addition and echo on 127.0.0.1:PORT. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

static void end_on_error(const char *what, int failed) {
    if (failed) {
        fprintf(stderr, "abyss: %s\n", what);
        exit(1);
    }
}

static xmlrpc_value *addition(xmlrpc_env *env, xmlrpc_value *params, void *server, void *channel) {
    xmlrpc_int32 a, b;
    (void)server, (void)channel;
    xmlrpc_decompose_value(env, params, "(ii)", &a, &b);
    return env->fault_occurred ? NULL : xmlrpc_build_value(env, "i", a + b);
}

static xmlrpc_value *echo(xmlrpc_env *env, xmlrpc_value *params, void *server, void *channel) {
    xmlrpc_value *value = NULL;
    (void)server, (void)channel;
    xmlrpc_array_read_item(env, params, 0, &value);
    return env->fault_occurred ? NULL : value;
}

static int bound_socket(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int yes = 1, handle = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    end_on_error("socket", handle < 0);
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    end_on_error("bind", bind(handle, (struct sockaddr *)&address, sizeof address) != 0);
    return handle;
}

int main(int argc, char **argv) {
    xmlrpc_env env;
    xmlrpc_server_abyss_parms server;
    struct xmlrpc_method_info3 add = {.methodName = "addition", .methodFunction = &addition};
    struct xmlrpc_method_info3 give = {.methodName = "interopEchoTests.echoValue", .methodFunction = &echo};

    end_on_error("usage: abyss PORT", argc != 2);
    xmlrpc_env_init(&env);
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, 8 << 20);
    memset(&server, 0, sizeof server);
    server.registryP = xmlrpc_registry_new(&env);
    xmlrpc_registry_add_method3(&env, server.registryP, &add);
    xmlrpc_registry_add_method3(&env, server.registryP, &give);
    end_on_error("methods", env.fault_occurred);

    server.socket_bound = 1;
    server.socket_handle = bound_socket(argv[1]);
    server.uri_path = "/";
    server.keepalive_timeout = 60;
    server.keepalive_max_conn = 1000000000;
    server.timeout = 60;
    server.max_conn = 512;
    server.max_conn_backlog = 512;
    xmlrpc_server_abyss(&env, &server, XMLRPC_APSIZE(max_conn_backlog));
    end_on_error(env.fault_string ? env.fault_string : "ended", env.fault_occurred);
    return 0;
}
