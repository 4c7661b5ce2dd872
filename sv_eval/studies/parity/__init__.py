"""Do two ways of running a model agree, and does one way agree with itself?"""
