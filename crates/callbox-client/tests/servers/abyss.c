/* Abyss, the server of xmlrpc-c. Says its port, and ends with its parent. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

static xmlrpc_value *addition(xmlrpc_env *env, xmlrpc_value *params, void *info, void *call) {
    xmlrpc_int a, b;
    (void)info, (void)call;
    xmlrpc_decompose_value(env, params, "(ii)", &a, &b);
    return env->fault_occurred ? NULL : xmlrpc_build_value(env, "i", a + b);
}

static xmlrpc_value *echo(xmlrpc_env *env, xmlrpc_value *params, void *info, void *call) {
    xmlrpc_value *value;
    (void)info, (void)call;
    xmlrpc_decompose_value(env, params, "(V)", &value);
    return env->fault_occurred ? NULL : value;
}

static xmlrpc_value *fail(xmlrpc_env *env, xmlrpc_value *params, void *info, void *call) {
    (void)params, (void)info, (void)call;
    xmlrpc_env_set_fault(env, 4, "too many");
    return NULL;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    xmlrpc_env env;
    xmlrpc_server_abyss_parms parms;
    struct xmlrpc_method_info3 methods[] = {
        {.methodName = "addition", .methodFunction = addition, .signatureString = "i:ii", .help = "Adds."},
        {.methodName = "echo", .methodFunction = echo},
        {.methodName = "fail", .methodFunction = fail},
    };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    if (listen(listener, 16) != 0) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    xmlrpc_env_init(&env);
    memset(&parms, 0, sizeof parms);
    parms.config_file_name = NULL;
    parms.registryP = xmlrpc_registry_new(&env);
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
        xmlrpc_registry_add_method3(&env, parms.registryP, &methods[i]);
    parms.socket_bound = 1;
    parms.socket_handle = listener;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    xmlrpc_server_abyss(&env, &parms, XMLRPC_APSIZE(socket_handle));
    fprintf(stderr, "%s\n", env.fault_string);
    return 1;
}
