"""What a recogniser must beat: chance, and the classical method of hand-made features with a linear SVM."""
