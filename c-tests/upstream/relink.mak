# Links one of pjproject's test programs anew, of the objects in its tree, with our archive first:
#
#   make -f relink.mak PJPROJECT_DIR=... ARCHIVE=libpjauth.a OUT=. pjsip-test|pjsua2-test
#
# How the tree links is its own knowledge: build.mak.
include $(PJPROJECT_DIR)/build.mak

objects = $(wildcard $(PJPROJECT_DIR)/pjsip/build/output/$@-$(TARGET_NAME)/*.o)
ours    = -Wl,-u,pjsip_auth_clt_init -Wl,-u,pjauth_version $(ARCHIVE)

.PHONY: pjsip-test pjsua2-test
pjsip-test:
	$(APP_CC) -o $(OUT)/$@ $(objects) $(ours) $(APP_LDFLAGS) $(APP_LDLIBS)
pjsua2-test:
	$(APP_CXX) -o $(OUT)/$@ $(objects) $(ours) $(APP_LDXXFLAGS) $(APP_LDXXLIBS)
