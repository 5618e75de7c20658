"""What makes an auction: methods, sealing, matching, auctions, closing, awards."""
