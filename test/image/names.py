"""What the engine has of ours. Images are kept, so that the next run has less to build; containers are not."""

IMAGE = "localhost/wskeep-image-test"
PEERS = "localhost/wskeep-image-test-peers"
BASE = "localhost/wskeep-image-test-base"

PROXY = "wskeep-image-test-proxy"
NAMES = "wskeep-image-test-names"
BACKEND = "wskeep-image-test-backend"
CLIENT = "wskeep-image-test-client"
CONTAINERS = CLIENT, BACKEND, NAMES, PROXY  # the order to remove them in: all live in the network of the last
