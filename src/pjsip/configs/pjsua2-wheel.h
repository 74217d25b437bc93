/* pjproject 2.15.1 as it is in the Python wheel pjsua2-python 2.15.1.post1 for
 * Linux: its config_site.h changes nothing that we touch. */
#define PJ_VERSION_NUM_MINOR 15
#define PJ_VERSION_NUM_REV 1
