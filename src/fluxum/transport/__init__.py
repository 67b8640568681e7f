"""Transport of frames: links, dials and HTTP calls. This package does not depend on venues."""
