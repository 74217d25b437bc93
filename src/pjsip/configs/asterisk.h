/* The settings of Asterisk's bundled pjproject 2.17 (libasteriskpj.so.2) that
 * move a field or change a behaviour of ours. */
#define PJ_HAS_IPV6 1
#define PJSIP_MAX_PKT_LEN 65535
#define PJSIP_MAX_URL_SIZE 512
#define PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER 1
#define PJSIP_MAX_MODULE 38
#define NDEBUG 1
