"""Laws of Sideman. The folders mirror the packages; `support` holds what several tests share."""
